//! The chart of activity.

use super::super::chart::{Bar, Chart};
use super::*;

#[test]
fn the_chart_shows_bursts_gaps_and_severe_findings() {
    let week = report(several());
    let chart = Chart::of(&week).unwrap();
    assert_eq!((chart.bars.len(), chart.unit().as_str()), (168, "hour"));
    assert_eq!(
        chart.gaps(),
        [
            (MONDAY + HOUR, MONDAY + 50 * HOUR),
            (MONDAY + 51 * HOUR, MONDAY + 168 * HOUR),
        ]
    );
    assert_eq!((chart.bars[50].critical, chart.bars[50].high), (1, 1));

    let mut years = report(Vec::new());
    years.provenance.window.since = Some(MONDAY - 3_000 * 86_400);
    let chart = Chart::of(&years).unwrap();
    assert!(chart.bars.len() <= 401 && chart.unit().ends_with("days"));
    assert_eq!(chart.bars.iter().map(Bar::events).sum::<u64>(), 12_100);
    assert!(chart.end() >= MONDAY + 168 * HOUR);

    let mut absurd = report(Vec::new());
    absurd.provenance.window.since = None;
    absurd.provenance.window.until = None;
    absurd.activity.hours[1].hour = Some(253_402_297_200);
    assert!(Chart::of(&absurd).unwrap().bars.len() <= 401);
    render(&absurd);
}
