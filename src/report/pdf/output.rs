//! From pages to bytes: drawing with krilla, the tree of tags, bookmarks, the attached findings.

use std::io;

use chrono::{Datelike as _, Timelike as _};
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, Identifier, SpanTag, TagGroup, TagTree};
use krilla::text::{GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings, color::rgb};

use super::canvas::{Canvas, Child, Node, Op};
use super::palette::{Color, MUTED, RULE};
use super::type_setter::{Face, Line, TypeSetter};
use super::{LEFT, PAGE_HEIGHT, PAGE_WIDTH, WIDTH};
use crate::event::time::{Epoch, utc};
use crate::report::Report;
use crate::report::document::{CLASSIFICATION, PROVISION, TITLE};
use crate::report::output::Output;
use crate::report::text::{Text, shortened};

/// What the document says of itself.
pub(super) struct About {
    id: String,
    organization: String,
    /// The time that is given as that of the document.
    date: DateTime,
    period: String,
    version: &'static str,
}

impl About {
    pub(super) fn new(report: &Report, id: String) -> Self {
        let from = &report.provenance;
        Self {
            id,
            organization: shortened(&from.organization, 200).into_owned(),
            date: date(from.created.unwrap_or_default()),
            period: from.window_in_words(),
            version: from.version,
        }
    }

    fn title(&self) -> String {
        match self.organization.is_empty() {
            true => format!("{TITLE} {}", self.id),
            false => format!("{TITLE} {} – {}", self.id, self.organization),
        }
    }
}

fn date(at: Epoch) -> DateTime {
    let at = utc(at);
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    DateTime::new(u16::try_from(at.year()).unwrap_or_default())
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

/// Draws all pages.
///
/// # Errors
/// The document is not what it declares to be.
pub(super) fn document(
    mut canvas: Canvas,
    about: &About,
    findings: Vec<u8>,
) -> io::Result<Vec<u8>> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A3_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish();
    let configuration = configuration.map_err(|error| io::Error::other(format!("{error:?}")))?;
    let mut document = Document::new_with(SerializeSettings {
        configuration,
        ..SerializeSettings::default()
    });
    let (pages, nodes) = (
        std::mem::take(&mut canvas.pages),
        std::mem::take(&mut canvas.nodes),
    );
    let mut leaves: Vec<Option<Identifier>> = (0..canvas.leaves).map(|_| None).collect();
    let all = pages.len();
    let settings = PageSettings::from_wh(PAGE_WIDTH, PAGE_HEIGHT);
    let settings = settings.ok_or_else(|| io::Error::other("the page has no size"))?;
    for (at, ops) in pages.into_iter().enumerate() {
        let mut page = document.start_page_with(settings.clone());
        let mut surface = page.surface();
        for op in ops {
            draw(&mut surface, &canvas.set, op, &mut leaves);
        }
        margins(&mut surface, &mut canvas.set, about, (at, all));
        surface.finish();
        page.finish();
    }
    let mut tree = TagTree::new().with_lang(Some("en-US".to_owned()));
    if let Some(root) = group(&nodes, 0, &mut leaves) {
        tree.push(root);
    }
    document.set_tag_tree(tree);
    document.set_outline(outline(&canvas));
    document.set_metadata(metadata(about));
    document.embed_file(EmbeddedFile {
        path: Output::Findings.file().to_owned(),
        mime_type: MimeType::new("application/json"),
        description: Some("The findings of this report for programs".to_owned()),
        association_kind: AssociationKind::Data,
        data: findings.into(),
        modification_date: Some(about.date),
        compress: Some(true),
        location: None,
    });
    let bytes = document.finish();
    bytes.map_err(|error| io::Error::other(format!("the PDF is not what it declares: {error:?}")))
}

fn metadata(about: &About) -> Metadata {
    let authors = match about.organization.is_empty() {
        true => Vec::new(),
        false => vec![about.organization.clone()],
    };
    Metadata::new()
        .title(about.title())
        .description(format!("{PROVISION}; {}", about.period))
        .keywords(vec![CLASSIFICATION.to_owned()])
        .language("en-US".to_owned())
        .creator(format!("trailscan {}", about.version))
        .producer("krilla".to_owned())
        .authors(authors)
        .creation_date(about.date)
        .document_id(about.id.clone())
}

fn draw(surface: &mut Surface<'_>, set: &TypeSetter, op: Op, leaves: &mut [Option<Identifier>]) {
    let decoration = ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout));
    let mut keep = |leaf: usize, identifier| {
        if let Some(place) = leaves.get_mut(leaf) {
            *place = Some(identifier);
        }
    };
    match op {
        Op::Rect {
            x,
            y,
            width,
            height,
            color,
        } => {
            surface.start_tagged(decoration);
            rect(surface, (x, y, width, height, color));
            surface.end_tagged();
        }
        Op::Figure { rects, leaf } => {
            keep(leaf, surface.start_tagged(ContentTag::Other));
            for one in rects {
                rect(surface, one);
            }
            surface.end_tagged();
        }
        Op::Text {
            x,
            y,
            lines,
            range,
            leaf,
        } => {
            match leaf {
                Some(leaf) => {
                    let tag = ContentTag::Span(SpanTag::empty());
                    keep(leaf, surface.start_tagged(tag));
                }
                None => {
                    surface.start_tagged(decoration);
                }
            }
            let drawn = lines.lines.get(range).unwrap_or_default();
            let top = drawn.first().map_or(0.0, |line| line.top);
            for line in drawn {
                let at = (x, y - top + line.baseline);
                draw_line(surface, set, (line, &lines.text), at);
            }
            surface.end_tagged();
        }
    }
}

fn fill(surface: &mut Surface<'_>, [red, green, blue]: Color) {
    surface.set_fill(Some(Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        opacity: NormalizedF32::ONE,
        rule: krilla::paint::FillRule::default(),
    }));
}

fn rect(surface: &mut Surface<'_>, (x, y, width, height, color): (f32, f32, f32, f32, Color)) {
    let mut path = PathBuilder::new();
    if let Some(rect) = Rect::from_xywh(x, y, width, height) {
        path.push_rect(rect);
    }
    if let Some(path) = path.finish() {
        fill(surface, color);
        surface.draw_path(&path);
    }
}

fn draw_line(
    surface: &mut Surface<'_>,
    set: &TypeSetter,
    (line, text): (&Line, &str),
    (x, y): (f32, f32),
) {
    for run in &line.runs {
        let Some(font) = set.font(run.font) else {
            continue;
        };
        let size = run.size;
        let glyphs = run.glyphs.iter().map(|glyph| {
            KrillaGlyph::new(
                GlyphId::new(glyph.id),
                glyph.advance / size,
                glyph.x / size,
                glyph.y / size,
                0.0,
                glyph.range(),
                None,
            )
        });
        let glyphs: Vec<KrillaGlyph> = glyphs.collect();
        fill(surface, run.color);
        surface.draw_glyphs(
            Point::from_xy(x + run.x, y),
            &glyphs,
            font,
            text,
            size,
            false,
        );
    }
}

/// Head and foot of a page, which are no part of the text.
fn margins(
    surface: &mut Surface<'_>,
    set: &mut TypeSetter,
    about: &About,
    (at, all): (usize, usize),
) {
    let face = Face::new(7.0).color(MUTED).leading(1.3);
    let mut put = |text: Text, y: f32, is_right: bool, kind: ArtifactType| {
        let lines = set.set(&text, face, WIDTH);
        let Some(line) = lines.lines.first() else {
            return;
        };
        let x = if is_right {
            LEFT + WIDTH - line.width
        } else {
            LEFT
        };
        surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(kind)));
        draw_line(surface, set, (line, &lines.text), (x, y));
        surface.end_tagged();
    };
    if at > 0 {
        put(Text::from(TITLE), 38.0, false, ArtifactType::Header);
        let organization = shortened(&about.organization, 70);
        put(
            Text::from(organization.as_ref()),
            38.0,
            true,
            ArtifactType::Header,
        );
    }
    let foot = PAGE_HEIGHT - 34.0;
    let left = Text::from("Report ")
        .code(&about.id)
        .plain(" · ")
        .plain(CLASSIFICATION);
    put(left, foot, false, ArtifactType::Footer);
    let number = Text::from(format!("Page {} of {all}", at + 1));
    put(number, foot, true, ArtifactType::Footer);
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(
        ArtifactType::Layout,
    )));
    rect(surface, (LEFT, foot - 12.0, WIDTH, 0.5, RULE));
    if at > 0 {
        rect(surface, (LEFT, 44.0, WIDTH, 0.5, RULE));
    }
    surface.end_tagged();
}

/// The tags below a node; `None` if nothing was drawn for them.
fn group(nodes: &[Node], at: usize, leaves: &mut [Option<Identifier>]) -> Option<TagGroup> {
    let node = nodes.get(at)?;
    let mut group = TagGroup::new(node.tag.clone());
    let mut is_empty = true;
    for child in &node.children {
        match child {
            Child::Node(child) => {
                if let Some(child) = self::group(nodes, *child, leaves) {
                    group.push(child);
                    is_empty = false;
                }
            }
            Child::Leaf(leaf) => {
                if let Some(identifier) = leaves.get_mut(*leaf).and_then(Option::take) {
                    group.push(identifier);
                    is_empty = false;
                }
            }
        }
    }
    (!is_empty).then_some(group)
}

/// Two levels of bookmarks.
fn outline(canvas: &Canvas) -> Outline {
    let mut outline = Outline::new();
    let node = |at: usize| {
        let mark = canvas.bookmarks.get(at)?;
        let point = Point::from_xy(LEFT, (mark.y - 8.0).max(0.0));
        let place = XyzDestination::new(mark.page, point);
        let title = shortened(&mark.title, 120).into_owned();
        Some((mark.level, OutlineNode::new(title, place)))
    };
    let mut open: Option<OutlineNode> = None;
    for (level, node) in (0..canvas.bookmarks.len()).filter_map(node) {
        match (&mut open, level) {
            (Some(parent), 1) => parent.push_child(node),
            (open, _) => {
                if let Some(done) = open.replace(node) {
                    outline.push_child(done);
                }
            }
        }
    }
    if let Some(done) = open {
        outline.push_child(done);
    }
    outline
}
