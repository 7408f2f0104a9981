//! What Ordain is held to, in one place.
//!
//! A bar is missed only when the whole interval of the paired ratios lies on its wrong side; where the interval holds the
//! bar, the run cannot tell.

use super::statistics::Ratio;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Operations a second: more is better.
    Rate,
    /// 99th percentile of the latencies: less is better.
    P99,
}

/// One promise: `subject` over `peer` in a line.
#[derive(Clone, Copy, Debug)]
pub struct Bar {
    /// Name of the line.
    pub line: &'static str,
    /// At that many connections.
    pub connections: usize,
    /// The other side.
    pub peer: &'static str,
    /// What of both.
    pub figure: Figure,
    /// Bound of the ratio.
    pub ratio: f64,
}

const fn rate(line: &'static str, connections: usize, peer: &'static str, ratio: f64) -> Bar {
    Bar { line, connections, peer, figure: Figure::Rate, ratio }
}

const fn p99(line: &'static str, connections: usize, peer: &'static str, ratio: f64) -> Bar {
    Bar { line, connections, peer, figure: Figure::P99, ratio }
}

/// All of them.
pub const BARS: &[Bar] = &[
    rate("atp", 64, "echo", 0.9),
    rate("promise", 64, "echo", 0.7),
    rate("reserve hot", 64, "redis", 1.3),
    rate("reserve hot", 256, "redis", 1.3),
    rate("reserve hot", 64, "postgres", 50.0),
    rate("reserve hot", 256, "postgres", 50.0),
    p99("reserve hot", 64, "redis", 1.25),
    p99("reserve hot", 256, "redis", 1.25),
    rate("batch hot", 64, "single", 8.0),
    rate("order", 64, "reservation", 0.5),
];

/// What a run says about a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval is on the right side.
    Held,
    /// The whole interval is on the wrong side.
    Missed,
    /// The interval holds the bar.
    Open,
    /// Too few pairs for an interval.
    Unknown,
}

impl Bar {
    /// The bar of a comparison, when there is one.
    pub fn find(line: &str, connections: usize, peer: &str, figure: Figure) -> Option<&'static Self> {
        BARS.iter()
            .find(|bar| bar.line == line && bar.connections == connections && bar.peer == peer && bar.figure == figure)
    }

    /// What a ratio says about it.
    pub fn judge(&self, ratio: Ratio) -> Verdict {
        let Some((low, high)) = ratio.interval else { return Verdict::Unknown };
        let (held, missed) = match self.figure {
            Figure::Rate => (low >= self.ratio, high < self.ratio),
            Figure::P99 => (high <= self.ratio, low > self.ratio),
        };
        match (held, missed) {
            (true, _) => Verdict::Held,
            (_, true) => Verdict::Missed,
            _ => Verdict::Open,
        }
    }

    /// In words.
    pub fn told(&self) -> String {
        match self.figure {
            Figure::Rate => format!("bar >= {}", self.ratio),
            Figure::P99 => format!("bar <= {}", self.ratio),
        }
    }
}

impl Verdict {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Missed => "missed",
            Self::Open => "open",
            Self::Unknown => "too few pairs",
        }
    }
}
