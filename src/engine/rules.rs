//! Rule sets: versions put and activated under the exclusive guard of the catalogue.
//!
//! An activation is one record: decisions before its position are made by the version before, decisions after it by this
//! one, none mixed. One that was planned for an instant is made by the clock, or by the first command after the instant,
//! before that command looks at anything. What was decided before, and waits, is served as it was decided; what of it is
//! sourced again is sourced by what applies then (`order_rules::rules_of` tells the one exception).
//!
//! What is *not* here: which version applies to an order (`domain::rules::book`).

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::change::Change;
use super::expire::clock;
use super::network::Network;
use super::turn::Turn;
use super::withdrawal::Withdrawal;
use super::{Engine, Executed};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{ActivateRules, PutRules};
use crate::domain::event::{Answer, Event, RuleSetChanged};
use crate::domain::hold::ReleaseAt;
use crate::domain::ids::Text;
use crate::domain::limits::{RULE_SETS_MAX, RULE_VERSIONS_MAX};
use crate::domain::node::NodeKind;
use crate::domain::record::Log;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::rules::presets::{WEIGHTED_SCORE, is_preset};
use crate::domain::rules::versions::RuleSetEvent;
use crate::domain::rules::{Fence, RuleTerms, VersionState};
use crate::domain::time::JournalTime;

/// When nothing is planned.
pub(super) const NEVER: i64 = i64::MAX;

impl Engine {
    pub(super) fn put_rules(&self, turn: &Turn<'_>, command: &PutRules) -> Result<Executed, Rejection> {
        let mut network = self.network.write().expect("no writer of the catalogue panics and survives");
        let PutRules { name, terms } = command;
        let faults = faults(&network.catalogue, name, terms);
        if !faults.is_empty() {
            return Err(Rejection::Invalid(faults));
        }
        let version = network.catalogue.rules().next(name);
        let drafted = RuleSetEvent::Drafted { version, terms: terms.clone() };
        let seq = self.change_rules(turn, &mut network, name, drafted, version)?;
        Ok(shown(&network, name, version, seq))
    }

    pub(super) fn activate_rules(&self, turn: &Turn<'_>, command: &ActivateRules) -> Result<Executed, Rejection> {
        let mut network = self.network.write().expect("no writer of the catalogue panics and survives");
        let ActivateRules { name, version, at } = command;
        let (version, now) = (*version, turn.log.now());
        let known = find(&network.catalogue, name, version)?;
        if known.1.compares_only() {
            return Err(Rejection::Invalid(vec![compares_only("version", name)]));
        }
        if at.is_some_and(|at| at <= now.wall) {
            return Err(Rejection::invalid("at", "time_in_past", "must be in the future; at once when left out"));
        }
        let event = match at.map(|at| ReleaseAt::of(at, now)) {
            Some(at) => RuleSetEvent::Planned { version, at },
            None => RuleSetEvent::Activated { version },
        };
        let set = network.catalogue.rules().versions(name);
        let planned = set.and_then(|set| set.planned);
        let is_done = match &event {
            RuleSetEvent::Activated { .. } => known.0 == VersionState::Active && planned.is_none(),
            RuleSetEvent::Planned { at, .. } => planned.is_some_and(|p| p.version == version && p.at.wall == at.wall),
            RuleSetEvent::Drafted { .. } => false,
        };
        // The version of the founding is active as long as no other was put.
        let seq = match is_done || set.is_none() {
            true => network.catalogue.seq,
            false => self.change_rules(turn, &mut network, name, event, version)?,
        };
        Ok(shown(&network, name, version, seq))
    }

    /// Logs a change of a rule set and makes it.
    fn change_rules(
        &self,
        turn: &Turn<'_>,
        network: &mut Network,
        name: &Text,
        event: RuleSetEvent,
        version: u32,
    ) -> Result<u64, Rejection> {
        let changed = RuleSetChanged { name: name.clone(), event: event.clone() };
        let answer = Some(Answer::Rules(name.clone(), version));
        let events = vec![Event::RuleSetChanged(Box::new(changed))];
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, answer)?;
        let logged = turn.log(self, sealed, Change::new(network), Withdrawal::nothing());
        let seq = logged.seq();
        logged.done();
        let folded = network.catalogue.rules_mut().change(name, seq, &event);
        folded.expect("what is logged of a rule set follows what is known of it");
        network.catalogue.seq = seq;
        self.watch_rules(&network.catalogue);
        if matches!(event, RuleSetEvent::Activated { .. }) {
            // They may find room by other rules.
            self.room_awaited.all_over(turn.log.now().wall);
        }
        Ok(seq)
    }

    /// Activates what is due; answers when the clock should come again.
    pub(super) fn rules_come(&self, turn: &Turn<'_>) -> Option<JournalTime> {
        let next = self.rules_due.load(Relaxed);
        if next == NEVER || turn.now().0 < next {
            return (next < NEVER).then_some(JournalTime(next));
        }
        let mut network = self.network.write().expect("no writer of the catalogue panics and survives");
        for (name, version) in network.catalogue.rules().due(turn.now()) {
            let activated = RuleSetEvent::Activated { version };
            // A record that is too large this is not; whatever else refuses it, the clock comes again.
            if self.change_rules(turn, &mut network, &name, activated, version).is_err() {
                break;
            }
        }
        network.catalogue.rules().next_due()
    }

    /// The same before a command that comes after the instant.
    #[inline]
    pub(super) fn rules_come_first(&self, log: &dyn Log) {
        if self.rules_due.load(Relaxed) != NEVER {
            self.rules_come(&Turn::new(log, &clock(), None));
        }
    }

    fn watch_rules(&self, catalogue: &Catalogue) {
        let next = catalogue.rules().next_due();
        self.rules_due.store(next.map_or(NEVER, |at| at.0), Relaxed);
    }

    /// What was put of rule sets before a start.
    pub(super) fn open_rules(&self) {
        let network = self.network.read().expect("nobody else knows the engine yet");
        self.watch_rules(&network.catalogue);
    }
}

/// A version as it stands.
fn shown(network: &Network, name: &str, version: u32, seq: u64) -> Executed {
    let version = network.catalogue.rules().version(name, version).expect("it was looked up under the same guard");
    Executed::done(Reply::Rules(Box::new(version)), seq)
}

/// A version of a rule set that somebody may change, and how far it is.
fn find(catalogue: &Catalogue, name: &str, version: u32) -> Result<(VersionState, Arc<RuleTerms>), Rejection> {
    if is_preset(name) {
        let fault = if name == WEIGHTED_SCORE { compares_only("rule_set", name) } else { reserved(name) };
        return Err(Rejection::Invalid(vec![fault]));
    }
    let rules = catalogue.rules();
    if rules.current(name).is_none() {
        return Err(Rejection::not_found("rule set", name));
    }
    let found = rules.version(name, version).map(|version| (version.state, version.terms));
    found.ok_or_else(|| {
        let detail = format!("rule set {name} has versions 1 to {}, not {version}", rules.next(name) - 1);
        Rejection::invalid("version", "unknown_version", detail)
    })
}

/// Rules by which nothing is sourced.
pub(super) fn compares_only(field: &str, name: &str) -> Fault {
    let detail =
        format!("{name} chooses by a score, to be compared with: preview it, replay by it, or let it run as a shadow");
    Fault::new(field, "comparison_only", detail)
}

fn reserved(name: &str) -> Fault {
    let detail = format!("{name} is there from the first use, as it is; choose another name");
    Fault::new("rule_set", "reserved_name", detail)
}

/// All that is wrong with a version, in this catalogue.
pub(super) fn faults(catalogue: &Catalogue, name: &Text, terms: &RuleTerms) -> Vec<Fault> {
    let mut faults = terms.faults(name);
    if is_preset(name) {
        faults.push(reserved(name));
    }
    let rules = catalogue.rules();
    match rules.versions(name) {
        None if rules.len() >= RULE_SETS_MAX => {
            faults.push(Fault::new("rule_set", "too_many", format!("there are at most {RULE_SETS_MAX} rule sets")));
        }
        Some(set) if set.versions.len() >= RULE_VERSIONS_MAX => {
            let detail = format!("{name} has its {RULE_VERSIONS_MAX} versions; choose another name");
            faults.push(Fault::new("rule_set", "too_many", detail));
        }
        _ => {}
    }
    unknown_nodes(catalogue, "scope.nodes", &terms.scope.nodes, &mut faults);
    for (at, fence) in terms.fences.iter().enumerate() {
        let field = format!("fences[{at}].in");
        match fence {
            Fence::Nodes(nodes) | Fence::NotNodes(nodes) => unknown_nodes(catalogue, &field, nodes, &mut faults),
            Fence::SameNode(skus) => {
                for (entry, sku) in skus.iter().enumerate().filter(|(_, sku)| catalogue.sku_index(sku).is_none()) {
                    let detail = format!("there is no item {sku:?}");
                    faults.push(Fault::new(format!("{field}[{entry}]"), "unknown_sku", detail));
                }
            }
            _ => {}
        }
    }
    faults
}

fn unknown_nodes(catalogue: &Catalogue, field: &str, nodes: &[Text], faults: &mut Vec<Fault>) {
    for (at, id) in nodes.iter().enumerate() {
        match catalogue.node_index(id).map(|index| catalogue.node(index).kind) {
            None => {
                let detail = format!("there is no node {id:?}");
                faults.push(Fault::new(format!("{field}[{at}]"), "unknown_node", detail));
            }
            Some(NodeKind::Virtual) => {
                let detail = format!("{id} holds no stock");
                faults.push(Fault::new(format!("{field}[{at}]"), "node_without_stock", detail));
            }
            Some(_) => {}
        }
    }
}
