//! Subscriptions: put, changed, shown.

use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::json::Json;
use super::order::{CustomerShape, Groups, NewOrder, NewOrderLine, PaymentShape, ShipToShape};
use super::order_names::OrderNames;
use super::page::{Limit, SubscriptionCursor};
use super::reading::{At, Shape, shape, shown};
use super::scalar::{ChannelOrderId, CurrencyCode, Id, Instant, MoneyJson, Reason, Sku};
use super::words::{DeliveryMethod, as_word};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{Command, PutSubscription, SubscriptionAction};
use crate::domain::ids::Text;
use crate::domain::order::OrderType;
use crate::domain::subscription::{Every, Failure, SubscribedLine, Subscription, SubscriptionState, WhenShort};

shape! {
    /// A subscription, whole: what is ordered, and when. Put again it begins a new schedule; its orders count on.
    pub struct SubscriptionPut {
        /// Who orders.
        pub customer: CustomerShape,
        /// How long a period is: an ISO 8601 duration of an hour to ten years, such as `P1M`, `P2W`.
        pub every: Period,
        /// When the first order is placed; the others follow by the calendar, in UTC.
        pub next_at: Instant,
        /// What, as in an order.
        pub lines: Vec<NewOrderLine>,
        /// Where it goes.
        pub ship_to: ShipToShape,
        /// Channel of the orders; `subscriptions` when left out.
        pub channel: Option<Id>,
        /// How they reach the customer; `ship` when left out.
        pub delivery_method: Option<DeliveryMethod>,
        /// Rule set to source by.
        pub rule_set: Option<Id>,
        /// Payment as reported with every order.
        pub payment: Option<PaymentShape>,
        /// What becomes of an order that cannot be had whole: `backorder`, if nothing else is said, or `retry`.
        pub when_short: Option<WhenShort>,
        /// Further destinations by key; a line names its own by `group`.
        #[schema(value_type = Option<std::collections::HashMap<String, ShipToShape>>)]
        pub groups: Option<Groups>,
    }
    check = SubscriptionPut::judge;
}

impl SubscriptionPut {
    fn judge(&self, at: &At<'_>) {
        for (number, line) in self.lines.iter().enumerate() {
            let (at, once) = (at.field("lines"), "is for one order, not for those of a schedule");
            let at = at.entry(number);
            for (name, _) in
                [("slot", line.slot.is_some()), ("warranty", line.warranty.is_some())].iter().filter(|(_, is)| *is)
            {
                at.field(name).fault::<()>("not_in_a_schedule", once);
            }
        }
        self.clone().every_order().judge(at);
    }

    /// What every order says.
    fn every_order(self) -> NewOrder {
        NewOrder {
            id: None,
            r#type: OrderType::Subscription,
            channel: self.channel.unwrap_or_else(|| Id("subscriptions".into())),
            channel_order_id: ChannelOrderId("".into()),
            customer: self.customer,
            ship_to: self.ship_to,
            lines: self.lines,
            delivery_method: self.delivery_method.unwrap_or(DeliveryMethod::Ship),
            reservation: None,
            reacquire: None,
            rule_set: self.rule_set,
            placed_at: None,
            payment: self.payment,
            totals: None,
            allocation: None,
            allocate_at: None,
            preferred_node: None,
            release_at: None,
            arrives_by: None,
            priority: None,
            flags: None,
            holds: None,
            groups: self.groups,
            deliveries: None,
        }
    }

    /// The command for one subscription, with the fingerprint of the body.
    pub fn command(self, id: Text, fingerprint: u64) -> Command {
        let (every, next_at) = (self.every.0, self.next_at.wall());
        let when_short = self.when_short.unwrap_or(WhenShort::Backorder);
        let order = self.every_order().order(fingerprint);
        Command::PutSubscription(Box::new(PutSubscription { id, order, every, next_at, when_short }))
    }
}

shape! {
    /// Why something happens to a subscription, if there is anything to say.
    pub struct SubscriptionReason {
        /// Why.
        pub reason: Option<Reason>,
    }
}

impl SubscriptionReason {
    /// The command for one subscription.
    pub fn command(self, id: Text, action: impl FnOnce(Option<Text>) -> SubscriptionAction) -> Command {
        Command::ChangeSubscription { subscription: id, action: action(self.reason.map(Text::from)) }
    }
}

shape! {
    /// Which subscriptions.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct SubscriptionParams {
        /// Of that customer, by id.
        #[param(inline)]
        pub customer: Option<Id>,
        /// In that state.
        #[param(inline)]
        pub state: Option<SubscriptionState>,
        /// Most entries of the page.
        #[param(inline)]
        pub limit: Option<Limit>,
        /// `next_cursor` of the page before.
        #[param(inline)]
        pub cursor: Option<SubscriptionCursor>,
    }
}

/// How long a period is, as ISO 8601 writes it.
#[derive(Clone, Copy, Debug)]
pub struct Period(pub Every);

impl Shape for Period {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let (Json::Text(text) | Json::Bare(text)) = json else { return at.wrong_type("text", json) };
        let wrong =
            || format!("must be an ISO 8601 duration of an hour to ten years, such as P1M, is {:?}", shown(text));
        Every::parse(text).map(Self).or_else(|| at.fault("invalid_period", wrong()))
    }
}

impl Serialize for Period {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl PartialSchema for Period {
    fn schema() -> utoipa::openapi::RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).description(Some("An ISO 8601 duration, such as P1M.")).into()
    }
}

impl ToSchema for Period {}

/// A subscription.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Subscription)]
pub struct SubscriptionJson {
    /// The caller's id.
    pub id: Id,
    /// Where it stands.
    #[serde(serialize_with = "as_word")]
    pub state: SubscriptionState,
    /// Id of the customer.
    pub customer: Id,
    /// Channel of the orders.
    pub channel: Id,
    /// How long a period is.
    pub every: Period,
    /// When the next period begins; `null` when none will.
    pub next_at: Option<Instant>,
    /// Number of the next period, from 1.
    pub number: u32,
    /// What becomes of an order that cannot be had whole.
    #[serde(serialize_with = "as_word")]
    pub when_short: WhenShort,
    /// How the orders reach the customer.
    #[schema(value_type = DeliveryMethod)]
    pub delivery_method: Text,
    /// What.
    pub lines: Vec<SubscribedLineJson>,
    /// Why the order of the next period, which has begun, was not placed yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureJson>,
    /// The last period without an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkippedJson>,
    /// The last order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_order: Option<String>,
    /// Version, from 1.
    pub version: u32,
}

/// One line of every order.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SubscribedLine)]
pub struct SubscribedLineJson {
    /// Its id within the order.
    pub id: Id,
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
    /// Price of one.
    pub unit_price: MoneyJson,
}

/// Why an order was not placed when it was due.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SubscriptionFailure)]
pub struct FailureJson {
    /// How often it was tried.
    pub attempts: u32,
    /// Stable code.
    #[schema(value_type = String)]
    pub code: Text,
    /// In words.
    #[schema(value_type = String)]
    pub detail: Text,
    /// When it is tried again.
    pub retry_at: Instant,
}

/// A period without an order.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SkippedPeriod)]
pub struct SkippedJson {
    /// Its number.
    pub number: u32,
    /// Why.
    #[schema(value_type = String)]
    pub reason: Text,
}

impl SubscriptionJson {
    /// A subscription, its skus named by the catalogue.
    pub fn of(subscription: &Subscription, catalogue: &Catalogue, orders: &OrderNames<'_>) -> Self {
        let terms = &subscription.terms;
        let line = |line: &SubscribedLine| SubscribedLineJson {
            id: Id(line.id.clone()),
            sku: Sku(catalogue.item(line.sku).sku.clone()),
            quantity: line.quantity,
            unit_price: MoneyJson { amount: line.unit_price, currency: CurrencyCode(terms.currency) },
        };
        let failure = |failure: &Failure| FailureJson {
            attempts: failure.attempts,
            code: failure.code.clone(),
            detail: failure.detail.clone(),
            retry_at: failure.retry_at.into(),
        };
        let skipped = |(number, reason): &(u32, Text)| SkippedJson { number: *number, reason: reason.clone() };
        Self {
            id: Id(subscription.id.clone()),
            state: subscription.state,
            customer: Id(terms.customer.clone()),
            channel: Id(terms.channel.clone()),
            every: Period(terms.every),
            next_at: subscription.next_at().map(Instant::from),
            number: subscription.number,
            when_short: terms.when_short,
            delivery_method: terms.delivery_method.clone(),
            lines: terms.lines.iter().map(line).collect(),
            failure: subscription.failure.as_ref().map(failure),
            skipped: subscription.skipped.as_ref().map(skipped),
            last_order: subscription.last_order.map(|key| orders.order(key)),
            version: subscription.version,
        }
    }
}
