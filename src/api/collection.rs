//! Who comes for a fulfilment order that is ready: codes, arrivals, and what is decided of both.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::reading::shape;
use super::scalar::{CollectionCode, Instant, Name, WindowHours};
use super::words::{DeliveryMethod, Worded};
use crate::domain::collection::{Collection, CollectionEvent, CollectionRule};
use crate::domain::command::{Command, FulfillmentAction, PutPolicy};
use crate::domain::event::CollectionChanged;
use crate::domain::ids::Text;

const HOUR_S: u32 = 60 * 60;
/// Letters and digits that are not taken for one another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

shape! {
    /// The customer takes it at the node.
    pub struct HandingOver {
        /// The code he hands in; required where one was given out.
        pub code: Option<CollectionCode>,
    }
}

impl HandingOver {
    /// The step.
    pub fn action(self) -> FulfillmentAction {
        self.code.map_or(FulfillmentAction::HandOver, |code| FulfillmentAction::HandOverWith { code: code.0 })
    }
}

shape! {
    /// The customer is there.
    pub struct Arriving {
        /// Where he stands.
        pub spot: Option<Name>,
    }
}

impl Arriving {
    /// The step.
    pub fn action(self) -> FulfillmentAction {
        FulfillmentAction::Arrive { spot: self.spot.map(|spot| spot.0) }
    }
}

shape! {
    /// How orders of a delivery method wait for who comes for them.
    #[derive(Copy)]
    pub struct CollectionRulePut {
        /// Whether they are handed over for a code only: one is drawn for each that is ready.
        pub code: Option<bool>,
        /// How long they wait where nobody says; as long as it takes when left out.
        pub window_h: Option<WindowHours>,
    }
}

impl CollectionRulePut {
    /// The command for one delivery method.
    pub fn command(self, delivery_method: DeliveryMethod) -> Command {
        let window_s = self.window_h.map(|hours| hours.0 * HOUR_S);
        let rule = CollectionRule { code: self.code.unwrap_or(false), window_s };
        Command::PutPolicy(PutPolicy::Collection { delivery_method: delivery_method.word().into(), rule })
    }
}

/// How orders wait for who comes for them.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CollectionRule)]
pub struct CollectionRuleJson {
    /// Whether they are handed over for a code only.
    pub code: bool,
    /// How long they wait where nobody says; `null` for as long as it takes.
    pub window_h: Option<u32>,
}

impl From<CollectionRule> for CollectionRuleJson {
    fn from(rule: CollectionRule) -> Self {
        Self { code: rule.code, window_h: rule.window_s.map(|s| s / HOUR_S) }
    }
}

/// Who comes for a fulfilment order.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Collection)]
pub struct CollectionJson {
    /// The code he hands in; `null` when there is none.
    pub code: Option<String>,
    /// Since when he is there; `null` when he is not.
    pub arrived_at: Option<Instant>,
    /// Where he stands.
    pub spot: Option<String>,
    /// Other codes that were handed in.
    pub wrong_codes: u8,
}

impl From<&Collection> for CollectionJson {
    fn from(known: &Collection) -> Self {
        Self {
            code: known.code().map(str::to_owned),
            arrived_at: known.arrival.as_ref().map(|arrival| arrival.at.into()),
            spot: known.arrival.as_ref().and_then(|arrival| arrival.spot.as_deref().map(str::to_owned)),
            wrong_codes: known.tries,
        }
    }
}

/// A code made of 40 bits that nobody can guess.
pub fn drawn(random: u64) -> Text {
    let digit = |at: u32| ALPHABET[(random >> (5 * at) & 31) as usize] as char;
    (0..8).map(digit).collect::<String>().as_str().into()
}

/// What happened, as the live feed and the dump of a journal tell it: without the code.
pub(super) fn told(changed: &CollectionChanged) -> Value {
    let fulfillment = changed.key.to_string();
    match &changed.event {
        CollectionEvent::Awaited { .. } => json!({"type": "collection_awaited", "fulfillment_order": fulfillment}),
        CollectionEvent::Arrived { arrival } => json!({
            "type": "customer_arrived", "fulfillment_order": fulfillment, "at": Instant::from(arrival.at),
            "spot": arrival.spot,
        }),
        CollectionEvent::Tried => json!({"type": "code_tried", "fulfillment_order": fulfillment}),
        CollectionEvent::Over => json!({"type": "collection_over", "fulfillment_order": fulfillment}),
    }
}
