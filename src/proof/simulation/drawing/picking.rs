//! Lines of picking and of what leaves: bins, waves, steps of their tasks, parcels; legal as a rule.

use super::{Drawing, World};
use crate::domain::entity::Entity;
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStatus};
use crate::domain::wave::{TaskVerb, Wave, WaveStatus};

/// Tasks a wave of these worlds may have.
const TASKS_MAX: u32 = 3;

impl Drawing {
    /// A wave is planned, or what waves go by is said.
    pub(super) fn floor(&mut self) -> String {
        match self.chance.roll(8) {
            0 => format!("bin {} {} {} {}", self.sku(), self.node(), self.chance.roll(3), self.chance.roll(20)),
            1 => format!("bin {} {} - -", self.sku(), self.node()),
            2 => format!("skilled {}", self.node()),
            3 => {
                format!("picks_by {}", self.chance.pick(&["usual", "wave_picking", "zone_picking", "cluster_picking"]))
            }
            _ => {
                let name = self.name('w');
                let line = format!("wave {name} {}", self.node());
                self.waves.push(name);
                let surplus = self.waves.len().saturating_sub(super::NAMES_MAX);
                self.waves.drain(..surplus);
                line
            }
        }
    }

    /// Numbers of parcels, parcels of what is packed, and the end of a carrier's day.
    pub(super) fn dispatch(&mut self, world: &World) -> Option<String> {
        match self.chance.roll(8) {
            0 => Some(format!("numbers {} {}", self.chance.pick(&["4012345", "50600012"]), self.chance.roll(3))),
            1 => Some(format!("close_out {} {}", self.node(), self.chance.pick(&["post", "van"]))),
            _ => {
                let name = self.known(|drawing| &drawing.orders)?;
                let order = super::order_of(world, &name)?;
                let is_packed = |own: &&FulfillmentOrder| own.status == FulfillmentStatus::Packed;
                let number = order.fulfillment_orders.iter().find(is_packed).map_or(1, |own| own.number);
                Some(format!("parcels {name} {number} {} {}", self.chance.pick(&["post", "post", "van"]), self.few(3)))
            }
        }
    }

    /// A step of a wave or of one of its tasks.
    pub(super) fn walking(&mut self, world: &World) -> Option<String> {
        let name = self.known(|drawing| &drawing.waves)?;
        let of_name = |entity: &Entity| match entity {
            Entity::Wave(wave) if wave.id.as_deref() == Some(name.as_str()) => Some((**wave).clone()),
            _ => None,
        };
        let wave = world.judge.appended.iter().find_map(|(_, entity)| of_name(entity))?;
        let legal = !self.chance.one_in(12);
        Some(match wave.status() {
            WaveStatus::Draft if legal => format!("wave_go {name}"),
            WaveStatus::Released | WaveStatus::InProgress if !self.chance.one_in(20) => self.tour(&name, &wave, legal),
            _ => format!("{} {name}", self.chance.pick(&["wave_go", "wave_stop"])),
        })
    }

    fn tour(&mut self, name: &str, wave: &Wave, legal: bool) -> String {
        let task = self.chance.roll(TASKS_MAX.min(wave.tasks.len() as u32 + 1)) as u16 + 1;
        let verbs = wave.task(task).map(|task| task.status.legal()).filter(|_| legal).unwrap_or_default();
        let verb = match verbs.len() as u32 {
            0 => [TaskVerb::Assign, TaskVerb::Start, TaskVerb::Short, TaskVerb::Done][self.chance.roll(4) as usize],
            many => verbs[self.chance.roll(many) as usize],
        };
        match verb {
            TaskVerb::Assign => format!("assign {name} {task}"),
            TaskVerb::Start => format!("begin {name} {task}"),
            TaskVerb::Done => format!("fetched {name} {task}"),
            TaskVerb::Short => {
                let reason = self.chance.pick(&["mismatch", "damaged", "not_in_stock"]);
                format!("missed {name} {task} {} {} {reason}", self.chance.roll(3), self.few(2))
            }
        }
    }
}
