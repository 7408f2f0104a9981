//! Drafts: begun, changed, held for, shown; and what one says, read again as an order.
//!
//! An order may be said in part: what is there of it must have the shape it has in an order, what is not there is asked
//! for when it is placed, and only then are its fields judged together. All of it is sealed as it was said, so that
//! personal data lies nowhere in the clear.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::hold::NewHold;
use super::hold_rule::Flag;
use super::json::Json;
use super::order::{
    CustomerShape, GroupDelivery, Groups, NewOrder, NewOrderLine, PaymentShape, ShipToShape, TotalsShape,
};
use super::order_names::OrderNames;
use super::page::{DraftCursor, Limit};
use super::personal::{opened, seal};
use super::reading::{At, Faults, Shape, finished, shape};
use super::scalar::{CallerId, ChannelOrderId, Id, Instant, Priority, Ttl, VersionNumber};
use super::words::{AllocationMode, DeliveryMethod, Worded, as_word};
use crate::domain::command::{BeginDraft, ChangeDraft, Command, HoldDraft, PlaceDraft, Reserve, ReserveLine};
use crate::domain::delivery::is_collected;
use crate::domain::draft::{Draft, DraftStatus, DraftTerms};
use crate::domain::ids::{ReservationKey, Text};
use crate::domain::limits::{DRAFT_BYTES_MAX, DRAFT_TTL_S};
use crate::domain::order::{OrderType, Sealed};
use crate::domain::rejection::Fault;
use crate::domain::time::JournalTime;

shape! {
    /// A draft to be begun.
    pub struct NewDraft {
        /// The caller's own id; sent again with the same body it repeats the answer.
        pub id: Option<CallerId>,
        /// What is known of the order.
        #[schema(value_type = DraftOrder)]
        pub order: Said,
        /// How long it lasts, seconds; 30 days when left out.
        pub ttl_s: Option<Ttl>,
    }
}

shape! {
    /// A draft, whole.
    pub struct DraftPut {
        /// All that is known of the order.
        #[schema(value_type = DraftOrder)]
        pub order: Said,
        /// New life, counted from now, seconds; not shorter than units are held for the draft.
        pub ttl_s: Option<Ttl>,
        /// The version that was read: refused when somebody changed the draft since.
        pub version: Option<VersionNumber>,
    }
}

shape! {
    /// Part of a draft.
    pub struct DraftPatch {
        /// Fields of the order that are replaced, each whole; `null` takes one away.
        #[schema(value_type = Option<DraftOrder>)]
        pub order: Option<SaidOver>,
        /// New life, counted from now, seconds; not shorter than units are held for the draft.
        pub ttl_s: Option<Ttl>,
        /// The version that was read: refused when somebody changed the draft since.
        pub version: Option<VersionNumber>,
    }
}

shape! {
    /// Units to be set aside for a draft: those of its lines.
    pub struct DraftHold {
        /// How long, seconds; not longer than the draft lasts.
        pub ttl_s: Ttl,
        /// Whether less than its lines ask for is welcome.
        pub partial: Option<bool>,
        /// The version that was read: refused when somebody changed the draft since.
        pub version: Option<VersionNumber>,
    }
}

shape! {
    /// A draft to become an order.
    pub struct DraftPlacing {
        /// The version that was read: refused when somebody changed the draft since.
        pub version: Option<VersionNumber>,
    }
}

shape! {
    /// What is known of an order that is not placed yet: the fields of an order, any of them.
    pub struct DraftOrder {
        /// The caller's own id of the order.
        pub id: Option<CallerId>,
        /// Kind of order.
        pub r#type: Option<OrderType>,
        /// Channel it comes from.
        pub channel: Option<Id>,
        /// Its id there.
        pub channel_order_id: Option<ChannelOrderId>,
        /// Who ordered.
        pub customer: Option<CustomerShape>,
        /// Where it goes.
        pub ship_to: Option<ShipToShape>,
        /// What, up to 1,200 lines.
        pub lines: Option<Vec<NewOrderLine>>,
        /// How it reaches the customer.
        pub delivery_method: Option<DeliveryMethod>,
        /// Rule set to source by.
        pub rule_set: Option<Id>,
        /// The channel's time; when it is placed when left out.
        pub placed_at: Option<Instant>,
        /// Payment as reported.
        pub payment: Option<PaymentShape>,
        /// Totals as reported.
        pub totals: Option<TotalsShape>,
        /// `at_once`, if nothing else is said, or `deferred`.
        pub allocation: Option<AllocationMode>,
        /// When the clock allocates an order that rests.
        pub allocate_at: Option<Instant>,
        /// Node that is asked before all others.
        pub preferred_node: Option<Id>,
        /// Holds to begin with.
        pub holds: Option<Vec<NewHold>>,
        /// When its fulfilment orders are handed to nodes.
        pub release_at: Option<Instant>,
        /// What the channel knows of it.
        pub flags: Option<Vec<Flag>>,
        /// Its priority where waiting demand is served by it.
        pub priority: Option<Priority>,
        /// Further destinations by key.
        #[schema(value_type = Option<std::collections::HashMap<String, ShipToShape>>)]
        pub groups: Option<Groups>,
        /// Groups that reach the customer in another way than the order.
        pub deliveries: Option<Vec<GroupDelivery>>,
    }
}

/// What was said of an order: its fields, and the JSON of them without blanks.
#[derive(Clone, Debug)]
pub struct Said {
    fields: DraftOrder,
    json: Vec<u8>,
}

impl Shape for Said {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let fields = DraftOrder::read(json, at)?;
        let json = written(&Json::Object(given(json)));
        if json.len() > DRAFT_BYTES_MAX {
            let detail = format!("must have at most {DRAFT_BYTES_MAX} bytes without blanks, has {}", json.len());
            return at.fault("draft_too_large", detail);
        }
        Some(Self { fields, json })
    }
}

/// The fields of an object that say something.
fn given<'a>(json: &Json<'a>) -> Vec<(Cow<'a, str>, Json<'a>)> {
    let Json::Object(fields) = json else { return Vec::new() };
    fields.iter().filter(|(_, value)| *value != Json::Null).cloned().collect()
}

fn written(json: &Json<'_>) -> Vec<u8> {
    serde_json::to_vec(json).expect("what was read as JSON is written as JSON")
}

impl Said {
    fn terms(&self) -> DraftTerms {
        let said = Json::parse(&self.json).expect("what was written as JSON is read as JSON");
        DraftTerms {
            channel: self.fields.channel.clone().map(Text::from),
            customer: self.fields.customer.as_ref().map(|customer| customer.id.0.clone()),
            lines: self.fields.lines.as_ref().map_or(0, |lines| lines.len() as u32),
            said: seal(&said),
        }
    }
}

/// Fields of an order that replace those a draft has.
#[derive(Clone, Debug)]
pub struct SaidOver(Vec<u8>);

impl Shape for SaidOver {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        DraftOrder::read(json, at)?;
        Some(Self(written(json)))
    }
}

/// What a draft says; nothing when it cannot be opened any more.
fn said(draft: &Draft) -> Json<'_> {
    let json = opened(&draft.terms.said).and_then(|bytes| Json::parse(bytes).ok());
    json.unwrap_or_else(|| Json::Object(Vec::new()))
}

/// The JSON of what a draft says, as it stands; `null` when it cannot be opened any more.
fn as_said(said: &Sealed) -> Box<RawValue> {
    let json = opened(said).and_then(|bytes| serde_json::from_slice(bytes).ok());
    json.unwrap_or_else(|| RawValue::NULL.to_owned())
}

/// Reads what a draft says, at the place where it was said.
fn read<T: Shape>(said: &Json<'_>) -> Result<T, Vec<Fault>> {
    let faults = Faults::default();
    let body = At::body(&faults);
    let order = T::read(said, &body.field("order"));
    finished(order, faults)
}

impl NewDraft {
    /// The command, with the fingerprint of the body it came in.
    pub fn command(self, fingerprint: u64) -> Command {
        let ttl_s = self.ttl_s.map_or(DRAFT_TTL_S, |ttl| ttl.0);
        let terms = self.order.terms();
        Command::BeginDraft(BeginDraft { id: self.id.map(Text::from), fingerprint, terms, ttl_s })
    }
}

impl DraftPut {
    /// The command for one draft.
    pub fn command(self, draft: Text) -> Command {
        let version = self.version.map(|version| version.0);
        let ttl_s = self.ttl_s.map(|ttl| ttl.0);
        Command::ChangeDraft(ChangeDraft { draft, version, terms: self.order.terms(), ttl_s })
    }
}

impl DraftPatch {
    /// The command for one draft, as it was read: the fields that are given stand in the place of those it has.
    pub fn command(self, draft: &Draft) -> Result<Command, Vec<Fault>> {
        let over = self.order.map_or_else(|| b"{}".to_vec(), |over| over.0);
        let Json::Object(over) = Json::parse(&over).expect("what was written as JSON is read as JSON") else {
            unreachable!("fields were read off an object")
        };
        let mut all = said(draft);
        for (name, value) in over {
            all.take(&name);
            if let (Json::Object(fields), false) = (&mut all, value == Json::Null) {
                fields.push((name, value));
            }
        }
        let order: Said = read(&all)?;
        let version = Some(self.version.map_or(draft.version, |version| version.0));
        let ttl_s = self.ttl_s.map(|ttl| ttl.0);
        let named = draft.name().as_str().into();
        Ok(Command::ChangeDraft(ChangeDraft { draft: named, version, terms: order.terms(), ttl_s }))
    }
}

impl DraftHold {
    /// The command for one draft, as it was read. Who comes for it comes to the node he chose, so there units are held.
    pub fn command(self, draft: &Draft) -> Result<Command, Vec<Fault>> {
        let fields: DraftOrder = read(&said(draft))?;
        if fields.allocation == Some(AllocationMode::Deferred) {
            let detail = "must be at_once where units are held: an order that rests cannot claim them";
            return Err(vec![Fault::new("order.allocation", "deferred_claim", detail)]);
        }
        let collected = fields.delivery_method.is_some_and(|method| is_collected(method.word()));
        let node = fields.preferred_node.filter(|_| collected).map(Text::from);
        let line = |line: NewOrderLine| ReserveLine { sku: line.sku.0, quantity: line.quantity, node: node.clone() };
        let reserve = Reserve {
            id: None,
            fingerprint: 0,
            owner: draft.name().as_str().into(),
            ttl_s: self.ttl_s.0,
            lines: fields.lines.unwrap_or_default().into_iter().map(line).collect(),
            partial: self.partial.unwrap_or(false),
            channel: fields.channel.map(Text::from),
            customer: fields.customer.map(|customer| customer.id.0),
        };
        let version = Some(self.version.map_or(draft.version, |version| version.0));
        Ok(Command::HoldDraft(HoldDraft { draft: draft.name().as_str().into(), version, reserve }))
    }
}

impl DraftPlacing {
    /// The command for one draft, as it was read; every fault of it as an order.
    pub fn command(self, draft: &Draft) -> Result<Command, Vec<Fault>> {
        let version = Some(self.version.map_or(draft.version, |version| version.0));
        let order = order(draft)?.order(0);
        Ok(Command::PlaceDraft(Box::new(PlaceDraft { draft: draft.name().as_str().into(), version, order })))
    }
}

/// What a draft says, as an order; every fault of it.
pub fn order(draft: &Draft) -> Result<NewOrder, Vec<Fault>> {
    read(&said(draft))
}

shape! {
    /// Which drafts.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct DraftParams {
        /// That stand so.
        #[param(inline)]
        pub status: Option<DraftStatus>,
        /// Of that channel.
        #[param(inline)]
        pub channel: Option<Id>,
        /// Of that customer, by id.
        #[param(inline)]
        pub customer: Option<Id>,
        /// Most entries of the page.
        #[param(inline)]
        pub limit: Option<Limit>,
        /// `next_cursor` of the page before.
        #[param(inline)]
        pub cursor: Option<DraftCursor>,
    }
}

impl DraftParams {
    /// Whether a draft is one of them, as of `now`.
    pub fn fits(&self, draft: &Draft, now: JournalTime) -> bool {
        let is_of = |asked: &Option<Id>, own: &Option<Text>| {
            asked.as_ref().is_none_or(|asked| own.as_ref().is_some_and(|own| *own == asked.0))
        };
        self.status.is_none_or(|status| status == draft.status_at(now))
            && is_of(&self.channel, &draft.terms.channel)
            && is_of(&self.customer, &draft.terms.customer)
    }
}

/// A draft.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Draft)]
pub struct DraftJson {
    /// The caller's id, or the generated one.
    pub id: String,
    /// Where it stands.
    #[serde(serialize_with = "as_word")]
    pub status: DraftStatus,
    /// Version, from 1.
    pub version: u32,
    /// When it was begun.
    pub begun_at: Instant,
    /// The instant at which it ends by itself.
    pub expires_at: Instant,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Instant>,
    /// The last reservation that was made for it; see there whether it still holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation: Option<String>,
    /// The order it became.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placed_as: Option<String>,
    /// What it says.
    #[schema(value_type = DraftOrder)]
    pub order: Box<RawValue>,
}

impl DraftJson {
    /// A draft as of `now`.
    pub fn of(draft: &Draft, orders: &OrderNames<'_>, now: JournalTime) -> Self {
        Self {
            id: draft.name(),
            status: draft.status_at(now),
            version: draft.version,
            begun_at: draft.begun_at.into(),
            expires_at: draft.expires_at.into(),
            ended_at: draft.ended_at.map(Instant::from),
            reservation: draft.reservation.as_ref().map(ReservationKey::to_string),
            placed_as: draft.order.map(|key| orders.order(key)),
            order: as_said(&draft.terms.said),
        }
    }
}
