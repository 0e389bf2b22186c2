//! Stacked bars: what was denied and failed stands on the axis, where small numbers can be compared.

use krilla::tagging::Tag;

use super::canvas::Canvas;
use super::palette::{Color, DENIED, FAILED, MUTED, RULE, SUCCEEDED};
use super::type_setter::Face;
use super::{LEFT, WIDTH};
use crate::report::document::activity::Chart;
use crate::report::text::Text;
use crate::words::thousands;

const PLOT: f32 = 96.0;
const AXIS: f32 = 46.0;
const LABEL: Face = Face::new(6.8).color(MUTED).leading(1.3);
const LEGEND: [(&str, Color); 3] = [
    ("denied", DENIED),
    ("failed", FAILED),
    ("succeeded", SUCCEEDED),
];

pub(super) fn draw(canvas: &mut Canvas, chart: &Chart, part: usize) {
    canvas.need(PLOT + 60.0);
    let caption = Face::new(8.3).bold();
    let node = canvas.node(part, Tag::P);
    let title = Text::from(chart.title.as_str());
    canvas.put((LEFT, canvas.y), &title, (caption, WIDTH), Some(node));
    let mut x = LEFT + canvas.set.width(&title, caption) + 22.0;
    for (word, color) in LEGEND {
        canvas.rect((x, canvas.y + 3.4), (6.5, 6.5), color);
        let word = Text::from(word);
        canvas.put((x + 10.0, canvas.y + 1.6), &word, (LABEL, 80.0), Some(node));
        x += canvas.set.width(&word, LABEL) + 26.0;
    }
    canvas.space(20.0);
    let most = chart
        .bars
        .iter()
        .map(|(_, counts)| counts.iter().sum::<u64>());
    let most = most.max().unwrap_or_default().max(1);
    let (top, base) = (canvas.y, canvas.y + PLOT);
    for part in 0..=2 {
        let share = part as f32 / 2.0;
        let y = base - PLOT * share;
        let value = (most as f64 * f64::from(share)).round() as u64;
        canvas.rect((LEFT + AXIS, y), (WIDTH - AXIS, 0.4), RULE);
        let text = Text::from(thousands(value));
        let wide = canvas.set.width(&text, LABEL);
        canvas.put(
            (LEFT + AXIS - 6.0 - wide, y - 5.0),
            &text,
            (LABEL, AXIS),
            None,
        );
    }
    let step = (WIDTH - AXIS) / chart.bars.len().max(1) as f32;
    let width = (step * 0.72).clamp(1.0, 34.0);
    let mut rects = Vec::new();
    // names as far as there is room for them
    let each = (34.0 / step).ceil().max(1.0) as usize;
    for (at, (name, counts)) in chart.bars.iter().enumerate() {
        let x = LEFT + AXIS + step * at as f32 + (step - width) / 2.0;
        let mut y = base;
        for (count, (_, color)) in counts.iter().zip(LEGEND) {
            let height = (PLOT * (*count as f64 / most as f64) as f32).max(match count {
                0 => 0.0,
                _ => 0.8,
            });
            if height > 0.0 {
                y -= height;
                rects.push((x, y, width, height, color));
            }
        }
        if at % each == 0 {
            let text = Text::from(name.as_str());
            let wide = canvas.set.width(&text, LABEL);
            let middle = x + width / 2.0 - wide / 2.0;
            canvas.put((middle, base + 3.0), &text, (LABEL, 60.0), None);
        }
    }
    let mut tag = Tag::Figure(Some(chart.alternative.clone()));
    tag.set_bbox(None);
    let node = canvas.node(part, tag);
    canvas.figure(node, rects);
    canvas.y = top + PLOT + 20.0;
}
