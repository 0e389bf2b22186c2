//! Text broken into lines: fonts, styles, shaping (parley), and what a drawing needs of it.
//!
//! Whatever a text holds, no glyph is missing: characters that the fonts lack are written by their number.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use krilla::text::Font;
use parley::fontique::{Blob, Collection, CollectionOptions, SourceCache};
use parley::{
    FontContext, FontFamily, FontFamilyName, FontFeatures, FontWeight, Layout, LayoutContext,
    LineHeight, OverflowWrap, StyleProperty,
};

use super::palette::{ALERT, Color, INK, MUTED, level_color};
use crate::report::text::{Span, Style, Text};

/// The fonts that are embedded, subsets of Inter and JetBrains Mono (`.licenses`).
static FONTS: [&[u8]; 3] = [
    include_bytes!("fonts/Inter-Regular.ttf"),
    include_bytes!("fonts/Inter-SemiBold.ttf"),
    include_bytes!("fonts/JetBrainsMono-Regular.ttf"),
];

const SANS: FontFamilyName<'static> = FontFamilyName::Named(Cow::Borrowed("Inter"));
const MONO: FontFamilyName<'static> = FontFamilyName::Named(Cow::Borrowed("JetBrains Mono"));
/// What the fixed-width font lacks comes from the other.
static SANS_STACK: [FontFamilyName<'static>; 1] = [SANS];
static MONO_STACK: [FontFamilyName<'static>; 2] = [MONO, SANS];

/// How a text looks where its spans say nothing else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Face {
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) mono: bool,
    pub(super) color: Color,
    /// Of the size.
    pub(super) leading: f32,
    /// All digits are equally wide.
    pub(super) tabular: bool,
}

impl Face {
    pub(super) const fn new(size: f32) -> Self {
        Self {
            size,
            bold: false,
            mono: false,
            color: INK,
            leading: 1.42,
            tabular: false,
        }
    }

    pub(super) const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(super) const fn mono(self) -> Self {
        Self { mono: true, ..self }
    }

    pub(super) const fn color(self, color: Color) -> Self {
        Self { color, ..self }
    }

    pub(super) const fn tabular(self) -> Self {
        Self {
            tabular: true,
            ..self
        }
    }

    pub(super) const fn leading(self, leading: f32) -> Self {
        Self { leading, ..self }
    }
}

/// A text of a certain width.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) text: String,
    pub(super) lines: Vec<Line>,
    pub(super) height: f32,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) top: f32,
    pub(super) height: f32,
    pub(super) baseline: f32,
    pub(super) width: f32,
    pub(super) runs: Vec<Run>,
}

/// Glyphs of one font, size and color.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) x: f32,
    pub(super) font: usize,
    pub(super) size: f32,
    pub(super) color: Color,
    pub(super) glyphs: Vec<Glyph>,
}

/// A glyph and the part of the text that it stands for; lengths are those of the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glyph {
    pub(super) id: u32,
    pub(super) advance: f32,
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Glyph {
    pub(super) const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

pub(super) struct TypeSetter {
    fonts: FontContext,
    layouts: LayoutContext<Color>,
    /// By the place in [`FONTS`]: what parley calls the font, and krilla's form of it.
    known: Vec<(u64, Font)>,
}

impl TypeSetter {
    /// `None` if a font cannot be read, which is a fault of the build.
    pub(super) fn new() -> Option<Self> {
        let mut collection = Collection::new(CollectionOptions {
            shared: false,
            system_fonts: false,
        });
        let known: Option<Vec<(u64, Font)>> = FONTS
            .iter()
            .map(|bytes| {
                let blob = Blob::new(Arc::new(*bytes));
                let id = blob.id();
                collection.register_fonts(blob, None);
                Some((id, Font::new((*bytes).into(), 0)?))
            })
            .collect();
        Some(Self {
            fonts: FontContext {
                collection,
                source_cache: SourceCache::default(),
            },
            layouts: LayoutContext::new(),
            known: known?,
        })
    }

    pub(super) fn font(&self, at: usize) -> Option<Font> {
        self.known.get(at).map(|(_, font)| font.clone())
    }

    /// Breaks a text into lines no wider than `width`.
    pub(super) fn set(&mut self, text: &Text, face: Face, width: f32) -> Rc<Lines> {
        let mut spans = Cow::Borrowed(text.spans());
        loop {
            let whole: String = spans.iter().map(|span| span.text.as_str()).collect();
            let layout = self.shape(&spans, &whole, face, width);
            let missing = missing(&layout, &whole);
            if missing.is_empty() {
                return Rc::new(self.lines(&layout, whole));
            }
            let written = spans.iter().map(|span| Span {
                text: by_number(&span.text, &missing),
                style: span.style,
            });
            spans = Cow::Owned(written.collect());
        }
    }

    /// The width of a text on one line.
    pub(super) fn width(&mut self, text: &Text, face: Face) -> f32 {
        let lines = self.set(text, face, 10_000.0);
        lines
            .lines
            .iter()
            .fold(0.0, |most, line| line.width.max(most))
    }

    fn shape(&mut self, spans: &[Span], whole: &str, face: Face, width: f32) -> Layout<Color> {
        let mut builder = self
            .layouts
            .ranged_builder(&mut self.fonts, whole, 1.0, false);
        let family = |mono| {
            FontFamily::List(Cow::Borrowed(match mono {
                true => MONO_STACK.as_slice(),
                false => SANS_STACK.as_slice(),
            }))
        };
        // fixed-width letters look larger
        let size = |mono| if mono { face.size * 0.94 } else { face.size };
        let weight = |bold| FontWeight::new(if bold { 600.0 } else { 400.0 });
        builder.push_default(StyleProperty::FontFamily(family(face.mono)));
        builder.push_default(StyleProperty::FontSize(size(face.mono)));
        builder.push_default(StyleProperty::FontWeight(weight(face.bold)));
        builder.push_default(StyleProperty::Brush(face.color));
        builder.push_default(LineHeight::Absolute(face.size * face.leading));
        builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::Anywhere));
        if face.tabular {
            let features = FontFeatures::from("\"tnum\" on");
            builder.push_default(StyleProperty::FontFeatures(features));
        }
        let mut at = 0;
        for span in spans {
            let range = at..at + span.text.len();
            at = range.end;
            let (bold, mono, color) = look(span.style);
            if bold {
                builder.push(StyleProperty::FontWeight(weight(true)), range.clone());
            }
            if mono {
                builder.push(StyleProperty::FontFamily(family(true)), range.clone());
                builder.push(StyleProperty::FontSize(size(true)), range.clone());
            }
            if let Some(color) = color {
                builder.push(StyleProperty::Brush(color), range);
            }
        }
        let mut layout = builder.build(whole);
        layout.break_all_lines(Some(width));
        layout
    }

    fn lines(&self, layout: &Layout<Color>, text: String) -> Lines {
        let lines = layout.lines().map(|line| {
            let metrics = line.metrics();
            let mut runs: Vec<Run> = Vec::new();
            let mut x = metrics.inline_min_coord;
            for run in line.runs() {
                let blob = run.font().data.id();
                let font = self.known.iter().position(|(id, _)| *id == blob);
                let mut style = None;
                for cluster in run.visual_clusters() {
                    let range = cluster.text_range();
                    if cluster.is_ligature_continuation() {
                        let last = runs.last_mut().and_then(|run| run.glyphs.last_mut());
                        if let Some(glyph) = last {
                            glyph.end = small(range.end);
                        }
                        continue;
                    }
                    if style != Some(cluster.style_index()) {
                        style = Some(cluster.style_index());
                        runs.push(Run {
                            x,
                            font: font.unwrap_or_default(),
                            size: run.font_size(),
                            color: cluster.style().brush,
                            glyphs: Vec::new(),
                        });
                    }
                    for glyph in cluster.glyphs() {
                        if let Some(run) = runs.last_mut() {
                            run.glyphs.push(Glyph {
                                id: glyph.id,
                                advance: glyph.advance,
                                x: glyph.x,
                                y: glyph.y,
                                start: small(range.start),
                                end: small(range.end),
                            });
                        }
                        x += glyph.advance;
                    }
                }
            }
            Line {
                top: metrics.block_min_coord,
                height: metrics.block_max_coord - metrics.block_min_coord,
                baseline: metrics.baseline,
                width: metrics.advance - metrics.hanging_advance,
                runs,
            }
        });
        Lines {
            lines: lines.collect(),
            height: layout.height(),
            text,
        }
    }
}

/// Texts are far shorter than four gigabytes.
fn small(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Bold, fixed-width, colored.
const fn look(style: Style) -> (bool, bool, Option<Color>) {
    match style {
        Style::Plain | Style::Value | Style::Link(_) => (false, false, None),
        Style::Strong => (true, false, None),
        Style::Code => (false, true, None),
        Style::Aside => (false, false, Some(MUTED)),
        Style::Alert => (true, false, Some(ALERT)),
        Style::Level(level) => (true, false, Some(level_color(level))),
    }
}

/// The characters that no font has.
fn missing(layout: &Layout<Color>, text: &str) -> Vec<char> {
    let mut missing = Vec::new();
    for line in layout.lines() {
        for run in line.runs() {
            for cluster in run.visual_clusters() {
                if cluster.glyphs().any(|glyph| glyph.id == 0) {
                    let range = cluster.text_range();
                    missing.extend(text.get(range).unwrap_or_default().chars());
                }
            }
        }
    }
    // what ASCII has is in every font: it stands beside what is missing
    missing.retain(|c| !c.is_ascii());
    missing
}

/// `[U+1F600]` for each of those characters.
fn by_number(text: &str, missing: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match missing.contains(&c) {
            true => out.push_str(&format!("[U+{:04X}]", u32::from(c))),
            false => out.push(c),
        }
    }
    out
}
