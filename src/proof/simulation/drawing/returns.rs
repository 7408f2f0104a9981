//! What comes back, and what becomes of it.

use super::super::world::World;
use super::{Drawing, SEEN, order_of};
use crate::domain::entity::Entity;
use crate::domain::order::Order;
use crate::domain::returns::ReturnVerb;

/// What becomes of what comes back.
const FATES: [&str; 10] =
    ["restock", "restock", "refurbish", "quarantine", "damaged", "vendor", "liquidate", "donate", "destroy", "missing"];

impl Drawing {
    /// A return, now and then a claim or an exchange, or the policy of them.
    pub(super) fn asked_back(&mut self, world: &World) -> Option<String> {
        if self.chance.one_in(12) {
            return Some(format!("takes_back {}", self.chance.pick(&["usual", "automatic", "ahead"])));
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
        let name = self.known(|drawing| &drawing.returns)?;
        let of_name = |entity: &Entity| match entity {
            Entity::Return(known) if known.id.as_deref() == Some(name.as_str()) => Some(known.status()),
            _ => None,
        };
        let status = world.judge.appended.iter().find_map(|(_, entity)| of_name(entity))?;
        let legal = status.legal();
        let fate = self.chance.pick(&FATES);
        let line = self.few(2);
        if self.chance.one_in(6) {
            return Some(format!("seen_back {name} {} {}", self.few(2), self.chance.pick(&SEEN)));
        }
        if legal.is_empty() || self.chance.one_in(12) {
            return Some(format!("{} {name}", self.chance.pick(&["allow", "deny", "forgo", "sent", "settle"])));
        }
        Some(match legal[self.chance.roll(legal.len() as u32) as usize] {
            ReturnVerb::Approve => format!("allow {name}"),
            ReturnVerb::Decline if self.chance.one_in(3) => format!("deny {name}"),
            ReturnVerb::Cancel if self.chance.one_in(3) => format!("forgo {name}"),
            ReturnVerb::Decline => format!("allow {name}"),
            ReturnVerb::Transit => format!("sent {name}"),
            ReturnVerb::Label => format!("label {name}"),
            ReturnVerb::Refund => format!("refund {name} {}", 10 * self.few(20)),
            ReturnVerb::Inspect => format!("grade {name} {line} 1"),
            ReturnVerb::Dispose => format!("fate {name} {line} 1 {fate}"),
            ReturnVerb::Close => format!("settle {name}"),
            ReturnVerb::Receive | ReturnVerb::Cancel | ReturnVerb::Expire => {
                let fate = if self.chance.one_in(4) { "-" } else { fate };
                format!("returned {name} {} {line} {} {fate}", self.node(), self.few(2))
            }
        })
    }
}
