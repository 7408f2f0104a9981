//! What comes back, and what becomes of it.

use super::super::world::World;
use super::{Drawing, SEEN, order_of};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::order::Order;
use crate::domain::returns::{Return, ReturnLine, ReturnVerb};

/// What becomes of what comes back.
const FATES: [&str; 10] =
    ["restock", "restock", "refurbish", "quarantine", "damaged", "vendor", "liquidate", "donate", "destroy", "missing"];

impl Drawing {
    /// A return, now and then a claim or an exchange, or the policy of them.
    pub(super) fn asked_back(&mut self, world: &World) -> Option<String> {
        if self.chance.one_in(12) {
            let all = ["usual", "automatic", "ahead", "on_its_way", "received", "judged"];
            return Some(format!("takes_back {}", self.chance.pick(&all)));
        }
        let left = |order: &Order| (0..order.lines.len() as u16).any(|line| order.returnable(line) > 0);
        let (order, name) = (self.order_that(world, left)?, self.name('b'));
        let line = order_of(world, &order)
            .and_then(|order| (0..order.lines.len() as u16).find(|line| order.returnable(*line) > 0));
        let line = line.filter(|_| !self.chance.one_in(6)).map_or_else(|| self.few(2), |line| u32::from(line) + 1);
        let of = format!("{name} {order} {line} {}", self.few(2));
        self.returns.push(name);
        Some(match self.chance.roll(6) {
            0 => format!("claim {of}"),
            1 => format!("swap {of} {} {}", self.sku(), self.few(2)),
            _ => format!("back {of}"),
        })
    }

    /// A step of a return, legal as a rule.
    pub(super) fn coming_back(&mut self, world: &World) -> Option<String> {
        let name = self.open_return(world)?;
        let known = return_of(world, &name)?;
        self.know_what_comes_instead(world, known);
        let legal = known.status().legal();
        if self.chance.one_in(6) {
            let label = if self.chance.one_in(4) { self.few(3) } else { known.labels.len().max(1) as u32 };
            return Some(format!("seen_back {name} {label} {}", self.chance.pick(&SEEN)));
        }
        if legal.is_empty() || self.chance.one_in(12) {
            return Some(format!("{} {name}", self.chance.pick(&["allow", "deny", "forgo", "sent", "settle"])));
        }
        let fate = self.chance.pick(&FATES);
        Some(match legal[self.chance.roll(legal.len() as u32) as usize] {
            ReturnVerb::Approve => format!("allow {name}"),
            ReturnVerb::Decline if self.chance.one_in(3) => format!("deny {name}"),
            ReturnVerb::Cancel if self.chance.one_in(3) => format!("forgo {name}"),
            ReturnVerb::Decline => format!("allow {name}"),
            ReturnVerb::Transit => format!("sent {name}"),
            ReturnVerb::Label => format!("label {name}"),
            ReturnVerb::Refund => format!("refund {name} {}", self.refund(known)),
            ReturnVerb::Inspect => {
                let line = self.line_back(known, |line| line.ungraded() > 0);
                format!("grade {name} {line} {}", self.few(2))
            }
            ReturnVerb::Dispose => {
                let line = self.line_back(known, |line| !line.held.is_empty());
                format!("fate {name} {line} {} {fate}", self.few(2))
            }
            ReturnVerb::Close => format!("settle {name}"),
            ReturnVerb::Receive | ReturnVerb::Cancel | ReturnVerb::Expire => {
                let fate = if self.chance.one_in(3) { "-" } else { fate };
                let line = self.line_back(known, |line| line.expected() > 0);
                format!("returned {name} {} {line} {} {fate}", self.node(), self.few(2))
            }
        })
    }

    /// A return of which something may still happen, as a rule, where there is one.
    fn open_return(&mut self, world: &World) -> Option<String> {
        let is_open = |name: &&String| return_of(world, name).is_some_and(|known| known.status().is_open());
        let open: Vec<String> = self.returns.iter().filter(is_open).cloned().collect();
        if open.is_empty() || self.chance.one_in(6) {
            return self.known(|drawing| &drawing.returns);
        }
        open.get(self.chance.roll(open.len() as u32) as usize).cloned()
    }

    /// Id of a line of a return that is so, as a rule.
    fn line_back(&mut self, known: &Return, is_so: impl Fn(&ReturnLine) -> bool) -> String {
        let fitting = known.lines.iter().find(|line| is_so(line)).filter(|_| !self.chance.one_in(12));
        fitting.map_or_else(|| self.few(2).to_string(), |line| line.id.to_string())
    }

    /// Money that goes back: all that may, some of it, or any.
    fn refund(&mut self, known: &Return) -> i64 {
        let may = known.refundable() - known.refunded;
        match self.chance.roll(4) {
            0 => i64::from(10 * self.few(20)),
            1 if may > 1 => may / 2,
            2 => may.max(0) + 1,
            _ => may.max(1),
        }
    }

    /// The order of what a customer gets instead is spoken of like any other.
    fn know_what_comes_instead(&mut self, world: &World, known: &Return) {
        let key = known.replacement.map(EntityKey::Order);
        if let Some(Entity::Order(order)) = key.and_then(|key| world.judge.appended.entity(&key))
            && let Some(id) = order.facts.id.as_deref()
            && !self.orders.iter().any(|name| name == id)
        {
            self.orders.push(id.to_owned());
        }
    }
}

fn return_of<'a>(world: &'a World, name: &str) -> Option<&'a Return> {
    world.judge.appended.iter().find_map(|(_, entity)| match entity {
        Entity::Return(known) if known.id.as_deref() == Some(name) => Some(&**known),
        _ => None,
    })
}
