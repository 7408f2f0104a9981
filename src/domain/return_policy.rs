//! The policy of returns: until when units may come back, in which state, for what money, as data.
//!
//! Three scopes: one for everything, one per channel, one per item; the narrowest that stands decides, whole. Without any,
//! everything may come back at any time, somebody approves each, and money may go back from then on.
//!
//! What is *not* here: who obeys it (the engine), and the return itself (`returns`).

use serde::{Deserialize, Serialize};

use super::ids::{SkuIndex, Text};
use super::return_status::Condition;
use super::time::JournalTime;

/// What a policy of returns is for.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum ReturnScope {
    /// Everything.
    All,
    /// Orders of a channel.
    Channel(Text),
    /// Units of an item.
    Item(SkuIndex),
}

/// From when on money may go back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub enum RefundAt {
    /// As soon as it is approved.
    #[default]
    Approved,
    /// Once the goods are on their way.
    InTransit,
    /// For units that came.
    Received,
    /// For units of which was said what becomes of them.
    Dispositioned,
}

/// Why the policy does not take units back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Outside {
    /// They are sold for good.
    FinalSale,
    /// It is too late.
    Window,
    /// They are not in a state that is taken.
    Condition,
}

impl Outside {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::FinalSale => "final_sale",
            Self::Window => "window",
            Self::Condition => "condition",
        }
    }
}

/// A policy of returns.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ReturnPolicy {
    /// Days after delivery in which units may come back; for ever when `None`.
    pub window_days: Option<u32>,
    /// Whether nothing comes back.
    pub final_sale: bool,
    /// States in which units are taken; any when empty.
    pub conditions: Vec<Condition>,
    /// From when on money may go back.
    pub refund_at: RefundAt,
    /// What is kept for restocking, in hundredths of a percent.
    pub fee_bps: u16,
    /// Whether what the customer gets instead leaves before anything came back.
    pub exchange_at_once: bool,
    /// Whether what the policy takes is approved at once, and what it does not is declined.
    pub automatic: bool,
    /// Days in which the goods have to come once it is approved; no matter when, if `None`.
    pub expires_days: Option<u32>,
}

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

impl ReturnPolicy {
    /// The last instant at which it takes units that were delivered then; `None` where it takes them for ever.
    pub fn ends_at(&self, delivered_at: JournalTime) -> Option<JournalTime> {
        if self.final_sale {
            return Some(delivered_at);
        }
        let window_ms = i64::from(self.window_days?) * DAY_MS;
        Some(JournalTime(delivered_at.0.saturating_add(window_ms)))
    }

    /// Why it does not take units that were delivered then, in that state; `None` when it does. What is not delivered yet
    /// is in time.
    pub fn outside(
        &self,
        delivered_at: Option<JournalTime>,
        now: JournalTime,
        stated: Option<Condition>,
    ) -> Option<Outside> {
        let late = |(days, at): (u32, JournalTime)| now.0 - at.0 > i64::from(days) * DAY_MS;
        let refused = |stated: Condition| !self.conditions.is_empty() && !self.conditions.contains(&stated);
        match () {
            () if self.final_sale => Some(Outside::FinalSale),
            () if self.window_days.zip(delivered_at).is_some_and(late) => Some(Outside::Window),
            () if stated.is_some_and(refused) => Some(Outside::Condition),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_taken_until_the_window_ends_and_in_states_that_are_named() {
        let policy = ReturnPolicy { window_days: Some(2), conditions: vec![Condition::New], ..ReturnPolicy::default() };
        let day = |days: i64, ms: i64| JournalTime(days * DAY_MS + ms);
        let judged = |now, stated| policy.outside(Some(day(0, 0)), now, stated);
        assert_eq!(judged(day(2, 0), None), None);
        assert_eq!(judged(day(2, 1), None), Some(Outside::Window));
        assert_eq!(judged(day(1, 0), Some(Condition::New)), None);
        assert_eq!(judged(day(1, 0), Some(Condition::Used)), Some(Outside::Condition));
        assert_eq!(policy.outside(None, day(9, 0), None), None, "what was never delivered is in time");
        assert_eq!(policy.ends_at(day(1, 5)), Some(day(3, 5)));
        assert_eq!(ReturnPolicy::default().ends_at(day(1, 5)), None);
        let never = ReturnPolicy { final_sale: true, ..policy };
        assert_eq!(never.outside(None, day(0, 0), None), Some(Outside::FinalSale));
        assert_eq!(never.ends_at(day(1, 5)), Some(day(1, 5)));
    }
}
