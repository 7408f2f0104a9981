//! Nodes that are closed by the clock: switched off when a closure begins and on when it is over, as by hand.
//!
//! The node is switched first and the closure noted then: after a loss of power in between it is switched again, to where it
//! is. What is *not* here: which switches are due (`domain::closure`).

use super::Engine;
use super::turn::Turn;
use crate::domain::closure::{Switch, due, still_to_come};
use crate::domain::command::NodePatch;
use crate::domain::hold::ReleaseAt;
use crate::domain::ids::{NodeIndex, Text};
use crate::domain::policy::{Policy, PolicyKey};
use crate::domain::time::{JournalTime, Now};

impl Engine {
    /// Tells the clock of the closures of a node.
    pub(super) fn watch_closures(&self, node: NodeIndex, now: Now) {
        let next = self.catalogue(|catalogue| {
            catalogue.policies().closures(node).iter().map(|closure| ReleaseAt::of(closure.due_at(), now).journal).min()
        });
        next.into_iter().for_each(|at| self.closures_due.push(at, node));
    }

    /// The same for all nodes, at start.
    pub(super) fn watch_all_closures(&self, now: Now) {
        let nodes: Vec<NodeIndex> = self.catalogue(|catalogue| catalogue.policies().closed_at_times().collect());
        nodes.into_iter().for_each(|node| self.watch_closures(node, now));
    }

    /// Switches nodes whose closures begin or are over; answers when the clock should come again.
    pub(super) fn closures_come(&self, turn: &Turn<'_>) -> Option<JournalTime> {
        let now = turn.log.now();
        for node in self.closures_due.take_due(now.journal, usize::MAX) {
            let (closures, id) = self
                .catalogue(|catalogue| (catalogue.policies().closures(node).to_vec(), catalogue.node(node).id.clone()));
            let (switches, after) = due(&closures, now.wall);
            self.switch(turn, node, &id, merged(switches));
            if after != closures {
                let put = self.store_policy(turn, PolicyKey::Closures(node), |policies| {
                    Policy::Closures(still_to_come(policies.closures(node), &closures, now.wall))
                });
                put.expect("fewer closures than were put fit into a record");
            }
            // The wall clock may be behind the journal's.
            self.watch_closures(node, now);
        }
        self.closures_due.next()
    }

    fn switch(&self, turn: &Turn<'_>, node: NodeIndex, id: &str, (ended, begins): (Vec<Text>, Option<Text>)) {
        let (active, reason) = self.catalogue(|catalogue| {
            let known = catalogue.node(node);
            (known.active, known.inactive_reason.clone())
        });
        let is_over = !active && reason.is_some_and(|reason| ended.contains(&reason));
        let patch = match begins {
            // From one closure into the next it stays off.
            Some(reason) if active || is_over => {
                NodePatch { active: Some(false), inactive_reason: Some(reason), ..NodePatch::default() }
            }
            None if is_over => NodePatch { active: Some(true), ..NodePatch::default() },
            _ => return,
        };
        self.patch_node(turn, id, patch).expect("a known node is switched by a small record");
    }
}

/// The reasons of closures that are over, and that of the one that begins.
fn merged(switches: Vec<Switch>) -> (Vec<Text>, Option<Text>) {
    let (mut ended, mut begins) = (Vec::new(), None);
    for switch in switches {
        match switch {
            Switch::On(reason) => ended.push(reason),
            Switch::Off(reason) => begins = Some(reason),
        }
    }
    (ended, begins)
}
