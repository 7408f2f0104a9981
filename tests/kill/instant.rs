//! Instants as the API writes them, in milliseconds since 1970, and the wall clock beside them.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// How far the server's clock and this process's may disagree about one instant.
pub const SLACK_MS: i64 = 100;

/// The wall clock.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    since.as_millis() as i64
}

/// An instant such as `2026-08-21T09:30:00.25Z`; the beginning of time for anything else.
pub fn of(value: &Value) -> i64 {
    value.as_str().and_then(parse).unwrap_or(i64::MIN / 2)
}

fn parse(text: &str) -> Option<i64> {
    let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut day = day.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (day.next()??, day.next()??, day.next()??);
    let mut time = time.split(':');
    let (hours, minutes) = (time.next()?.parse::<i64>().ok()?, time.next()?.parse::<i64>().ok()?);
    let seconds = time.next()?.parse::<f64>().ok()?;
    // Days since 1970 of a civil day, with years that begin in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(((days * 24 + hours) * 60 + minutes) * 60_000 + (seconds * 1_000.0).round() as i64)
}

#[test]
fn instants_are_read() {
    assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(parse("2000-02-29T12:00:00.25Z"), Some(951_825_600_250));
    assert_eq!(parse("2026-11-22T02:00:00Z"), Some(1_795_312_800_000));
    assert_eq!(parse("yesterday"), None);
}
