//! Lines of sourcing: rule sets, and how much nodes can handle. A seed has its manner of them.

use super::{Drawing, NODES};

/// By which rules a seed sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// By tariffs and without some nodes.
    Plain,
    /// By tariffs, and as much as nodes can handle: nothing else keeps anybody out.
    Limited,
    /// By all that the kernel in full weighs and bounds.
    Full,
}

const TERMS: [&str; 7] = ["shipment", "weight", "distance", "split", "carbon", "late", "shipping"];

impl Drawing {
    /// What is there from the beginning.
    pub(super) fn sourced(&mut self) -> Vec<String> {
        if self.manner == Manner::Plain {
            return Vec::new();
        }
        let mut lines: Vec<String> = (0..self.nodes).map(|at| format!("able {} {}", NODES[at], self.few(6))).collect();
        if self.manner == Manner::Full {
            lines.extend(NODES[..self.nodes].iter().map(|node| format!("handles {node} {} {}", 90, 7)));
            lines.push("carrier post 2".to_owned());
        }
        lines.push(self.weighs("default"));
        // Version 1 is there from the founding.
        lines.push("apply default 2 -".to_owned());
        lines
    }

    /// A version of a rule set, or that one applies.
    pub(super) fn rules(&mut self) -> String {
        let name = self.chance.pick(&["default", "peak"]);
        let (version, seconds) = (self.few(4), self.few(60).to_string());
        match (self.chance.roll(3), self.manner) {
            (0, Manner::Plain) => {
                let without = self.chance.pick(&["-", NODES[0], NODES[1]]);
                format!("rules {name} {} {} {without}", self.chance.roll(900), self.chance.roll(300))
            }
            (0, _) => self.weighs(name),
            _ => format!("apply {name} {version} {}", self.chance.pick(&["-", &seconds])),
        }
    }

    /// How much a node can handle.
    pub(super) fn able(&mut self) -> Option<String> {
        if self.manner == Manner::Plain {
            return None;
        }
        let most = self.few(8).to_string();
        Some(format!("able {} {}", self.node(), self.chance.pick(&["-", &most, &most, &most])))
    }

    /// A version that minds what nodes can handle, as a rule.
    fn weighs(&mut self, name: &str) -> String {
        let capacity = if self.chance.one_in(8) { None } else { Some("capacity".to_owned()) };
        let money = |drawing: &mut Self| 10 * drawing.chance.roll(90);
        if self.manner == Manner::Limited {
            let objective = format!("shipment:{}+weight+split:{}", money(self), money(self));
            return format!("weighs {name} {objective} {}", capacity.as_deref().unwrap_or("-"));
        }
        let mut terms = vec!["handling".to_owned()];
        for term in TERMS {
            if self.chance.one_in(2) {
                terms.push(format!("{term}:{}", money(self)));
            }
        }
        if self.chance.one_in(3) {
            terms.push(format!("unfilled:{}", money(self)));
        }
        let without = format!("without:{}", self.node());
        let bounds = ["complete", "lines", "together:phone,case", "together:case,cable", "most:2", without.as_str()];
        let bound = (!self.chance.one_in(3)).then(|| self.chance.pick(&bounds).to_owned());
        let fences: Vec<String> = capacity.into_iter().chain(bound).collect();
        let fences = if fences.is_empty() { "-".to_owned() } else { fences.join("+") };
        format!("weighs {name} {} {fences}", terms.join("+"))
    }
}
