//! Commands of subscriptions.

use super::order::PlaceOrder;
use crate::domain::ids::Text;
use crate::domain::subscription::{Every, WhenShort};
use crate::domain::time::WallTime;

/// A subscription to be put, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutSubscription {
    /// The caller's id.
    pub id: Text,
    /// Every order of it: without ids, holds and wishes.
    pub order: PlaceOrder,
    /// How long a period is.
    pub every: Every,
    /// When the first order is placed.
    pub next_at: WallTime,
    /// What becomes of an order that cannot be had whole.
    pub when_short: WhenShort,
}

/// What happens to a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionAction {
    /// No orders for now.
    Pause(Option<Text>),
    /// It goes on; what passed meanwhile is not made up for.
    Resume,
    /// The next period goes without an order.
    Skip(Option<Text>),
    /// No orders any more.
    Cancel(Option<Text>),
}
