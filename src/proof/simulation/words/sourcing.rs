//! Words of sourcing: how much a node can handle and asks for it, and rule sets in full.

use super::number;
use crate::domain::command::{Command, NodePatch, PutRules};
use crate::domain::ids::Text;
use crate::domain::node::Handling;
use crate::domain::rules::{Fence, RuleTerms, Term, Unfilled};

/// The command of a line; `None` when the words mean none of these.
pub fn command(words: &[&str]) -> Option<Command> {
    Some(match words {
        ["able", node, n] => {
            let most = (*n != "-").then(|| number(n) as u32);
            patch(node, NodePatch { capacity_per_day: Some(most), ..NodePatch::default() })
        }
        ["handles", node, per_shipment, per_unit] => {
            let handling = Handling { per_shipment: number(per_shipment), per_unit: number(per_unit) };
            patch(node, NodePatch { handling: Some(Some(handling)), ..NodePatch::default() })
        }
        ["weighs", name, terms, fences] => {
            let words = |all: &str| all.split('+').filter(|word| *word != "-").map(str::to_owned).collect::<Vec<_>>();
            let unfilled = words(terms).iter().find_map(|word| word.strip_prefix("unfilled:").map(number));
            let terms = RuleTerms {
                objective: words(terms).iter().filter_map(|word| term(word)).collect(),
                fences: words(fences).iter().map(|word| fence(word)).collect(),
                unfilled: unfilled
                    .map_or(Unfilled::LastResort, |per_line| Unfilled::Charged { per_line, value_share_micro: 0 }),
                ..RuleTerms::default()
            };
            Command::PutRules(PutRules { name: (*name).into(), terms: terms.into() })
        }
        _ => return None,
    })
}

fn patch(node: &str, patch: NodePatch) -> Command {
    Command::PatchNode { node: node.into(), patch: Box::new(patch) }
}

/// A word and its number.
fn split(word: &str) -> (&str, &str) {
    word.split_once(':').unwrap_or((word, "0"))
}

/// A term of the objective; what a unit costs that nobody ships is none.
fn term(word: &str) -> Option<Term> {
    let (word, n) = split(word);
    Some(match word {
        "shipment" => Term::PerShipment { amount: number(n) },
        "weight" => Term::WeightDistance { micro_per_kg_km: 200_000 },
        "distance" => Term::Distance { micro_per_km: 300_000 },
        "split" => Term::Split { amount: number(n) },
        "carbon" => Term::Carbon { per_kg: number(n) },
        "late" => Term::Late { per_day: number(n) },
        "shipping" => Term::Shipping,
        "handling" => Term::Handling,
        "unfilled" => return None,
        other => panic!("{other} is no term"),
    })
}

fn fence(word: &str) -> Fence {
    let (word, of) = split(word);
    let names = || of.split(',').map(Text::from).collect();
    match word {
        "capacity" => Fence::Capacity,
        "complete" => Fence::ShipComplete,
        "lines" => Fence::LineComplete,
        "together" => Fence::SameNode(names()),
        "without" => Fence::NotNodes(names()),
        "most" => Fence::MaxShipments { count: number(of) as u16 },
        other => panic!("{other} is no fence"),
    }
}
