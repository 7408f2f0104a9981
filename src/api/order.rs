//! Orders: placed, quoted, listed and cancelled. How they are shown stands in `shown`.

mod milestones;
mod shown;

use std::collections::{HashMap, HashSet};

use super::hold::NewHold;
use super::hold_rule::Flag;
use super::json::Json;
use super::page::{Limit, OrderCursor};
use super::personal::{Address, Person, coarse, seal};
use super::reading::{At, Listed, Shape, shape};
use super::scalar::{
    CallerId, ChannelOrderId, Country, Day, Id, Instant, Latitude, Longitude, Name, Personal, PostalCode, Price,
    Priority, Reason, Sku, position,
};
use super::warranty::WarrantyShape;
use super::words::{AllocationMode, DeliveryMethod, Worded};
use crate::domain::address::AddressParts;
use crate::domain::command::{
    AskedSlot, AskedWarranty, AskedWay, CancelOrder, CancelUnits, Command, Consolidate, Deferred, MergeOrders,
    PlaceLine, PlaceOrder, Rebook, ShipTo, SplitOrder, Wishes,
};
use crate::domain::geo::Position;
use crate::domain::ids::Text;
use crate::domain::limits::{CONSOLIDATED_MAX, ORDER_LINES_MAX};
use crate::domain::money::Currency;
use crate::domain::order::{OrderStatus, OrderType, Payment, Sealed};
use crate::domain::particulars::Totals;
use crate::domain::quantity::Quantity;

pub use shown::{HistoryEntry, OrderJson, ShipToJson, history};

shape! {
    /// An order to be placed, or to be quoted.
    pub struct NewOrder {
        /// The caller's own id; sent again with the same body it repeats the answer.
        pub id: Option<CallerId>,
        /// Kind of order.
        pub r#type: OrderType,
        /// Channel it comes from.
        pub channel: Id,
        /// Its id there.
        pub channel_order_id: ChannelOrderId,
        /// Who ordered.
        pub customer: CustomerShape,
        /// Where it goes.
        pub ship_to: ShipToShape,
        /// What, up to 1,200 lines. Several lines of one sku are fine, repeated line ids are not.
        pub lines: Vec<NewOrderLine>,
        /// How it reaches the customer.
        pub delivery_method: DeliveryMethod,
        /// Reservation to claim.
        pub reservation: Option<Id>,
        /// Take the units anew when the reservation has lapsed.
        pub reacquire: Option<bool>,
        /// Rule set to source by.
        pub rule_set: Option<Id>,
        /// The channel's time; now when left out.
        pub placed_at: Option<Instant>,
        /// Payment as reported.
        pub payment: Option<PaymentShape>,
        /// Totals as reported.
        pub totals: Option<TotalsShape>,
        /// `at_once`, if nothing else is said. `deferred`: its units rest until `…/allocate`, or until `allocate_at`.
        pub allocation: Option<AllocationMode>,
        /// When the clock allocates an order that rests.
        pub allocate_at: Option<Instant>,
        /// Node that is asked before all others; what it has not is sourced by the rule set.
        pub preferred_node: Option<Id>,
        /// Holds to begin with.
        pub holds: Option<Vec<NewHold>>,
        /// When its fulfilment orders are handed to nodes; at once when left out.
        pub release_at: Option<Instant>,
        /// The day by which it is wanted there, where it goes: what rules with the fence `arrives_by` without days keep.
        pub arrives_by: Option<Day>,
        /// What the channel knows of it, in words that hold rules ask for: `new_customer`, `address_mismatch`, …
        pub flags: Option<Vec<Flag>>,
        /// Its priority where waiting demand is served by it: 0, the usual one, to 9, which is first.
        pub priority: Option<Priority>,
        /// Further destinations by key; a line names its own by `group`.
        #[schema(value_type = Option<HashMap<String, ShipToShape>>)]
        pub groups: Option<Groups>,
        /// Groups that reach the customer in another way than the order: one is collected, say, and the rest is shipped.
        pub deliveries: Option<Vec<GroupDelivery>>,
    }
    check = NewOrder::judge;
}

shape! {
    /// How a group of lines reaches the customer.
    pub struct GroupDelivery {
        /// Key of its destination in `groups`; each once.
        pub group: Id,
        /// How.
        pub delivery_method: DeliveryMethod,
        /// Node that is asked before all others; the only one where the customer comes to it.
        pub preferred_node: Option<Id>,
    }
}

impl Listed for GroupDelivery {
    const MOST: usize = ORDER_LINES_MAX;
}

shape! {
    /// Who ordered.
    #[schema(as = Customer)]
    pub struct CustomerShape {
        /// Id of the customer.
        pub id: Id,
        /// Name.
        pub name: Option<Personal>,
        /// E-mail.
        pub email: Option<Personal>,
        /// Phone.
        pub phone: Option<Personal>,
    }
}

shape! {
    /// Where an order, or a group of its lines, goes.
    #[schema(as = ShipTo)]
    pub struct ShipToShape {
        /// Name.
        pub name: Personal,
        /// Company.
        pub company: Option<Personal>,
        /// First line.
        pub line1: Personal,
        /// Second line.
        pub line2: Option<Personal>,
        /// City.
        pub city: Personal,
        /// Region, state or province.
        pub region: Personal,
        /// Postal code.
        pub postal_code: PostalCode,
        /// Country.
        pub country: Country,
        /// Phone.
        pub phone: Option<Personal>,
        /// E-mail.
        pub email: Option<Personal>,
        /// Degrees north; together with `longitude`.
        pub latitude: Option<Latitude>,
        /// Degrees east; together with `latitude`.
        pub longitude: Option<Longitude>,
    }
    check = ShipToShape::judge;
}

shape! {
    /// One line of an order.
    pub struct NewOrderLine {
        /// Id within the order; its number from 1 when left out.
        pub id: Option<Id>,
        /// What.
        pub sku: Sku,
        /// How many.
        pub quantity: Quantity,
        /// Price of one.
        pub unit_price: Price,
        /// Key of its destination in `groups`; the order's own when left out.
        pub group: Option<Id>,
        /// The slot in which a service is done: a place of it for every unit; or in which goods are brought to the customer
        /// (`local_delivery`): one place for all goods of a group, which come from the slot's node alone.
        pub slot: Option<SlotShape>,
        /// That it is a warranty, registered to the customer when what it covers is delivered.
        pub warranty: Option<WarrantyShape>,
    }
}

shape! {
    /// A slot of a node.
    #[schema(as = SlotOfNode)]
    pub struct SlotShape {
        /// The node.
        pub node: Id,
        /// Id of the slot there.
        pub id: Id,
    }
}

shape! {
    /// Another slot for a line that has one, and for all that is brought with it.
    pub struct Rebooking {
        /// Id of the line.
        pub line: Id,
        /// The slot: of the same node.
        pub slot: SlotShape,
    }
}

impl Rebooking {
    /// The command for one order.
    pub fn command(self, order: Text) -> Command {
        let SlotShape { node, id } = self.slot;
        Command::Rebook(Rebook { order, line: self.line.0, node: node.0, slot: id.0 })
    }
}

impl Listed for NewOrderLine {
    const MOST: usize = ORDER_LINES_MAX;
}

shape! {
    /// Payment as reported.
    #[schema(as = Payment)]
    pub struct PaymentShape {
        /// Method, a word of the channel.
        pub method: Name,
        /// Status, a word of the channel.
        pub status: Name,
    }
}

shape! {
    /// Totals as reported.
    #[derive(Copy)]
    #[schema(as = Totals)]
    pub struct TotalsShape {
        /// Sum of the lines: price by quantity.
        pub subtotal: Option<Price>,
        /// Off that sum; nothing when left out.
        pub discount: Option<Price>,
        /// For shipping; nothing when left out.
        pub shipping: Option<Price>,
        /// Tax; none when left out.
        pub tax: Option<Price>,
        /// Whether the prices have the tax in them already; then it is not added.
        pub tax_included: Option<bool>,
        /// What the customer pays: the sum of the lines, less the discount, with shipping and tax.
        pub total: Price,
    }
}

impl TotalsShape {
    /// Judges it by the sum of the lines and their currency.
    fn judge(&self, lines: i128, currency: Currency, at: &At<'_>) {
        let total = Some(self.total);
        let parts = [
            ("subtotal", self.subtotal),
            ("discount", self.discount),
            ("shipping", self.shipping),
            ("tax", self.tax),
            ("total", total),
        ];
        for (name, _) in parts.iter().filter(|(_, price)| price.is_some_and(|price| price.currency.0 != currency)) {
            mismatch(&at.field(name), currency);
        }
        if let Some(subtotal) = self.subtotal.filter(|subtotal| i128::from(subtotal.amount.0) != lines) {
            let detail = format!("must be {lines}, the sum of the lines, is {}", subtotal.amount.0);
            at.field("subtotal").fault::<()>("totals_mismatch", detail);
        }
        let totals = self.parts().unwrap_or_default();
        let (discount, shipping, tax) = (totals.discount, totals.shipping, totals.tax);
        let added = if totals.tax_included { 0 } else { tax };
        let expected = lines - i128::from(discount) + i128::from(shipping) + i128::from(added);
        let given = self.total.amount.0;
        if expected != i128::from(given) {
            let detail = format!(
                "must be {expected}, the lines' {lines} less a discount of {discount}, with {shipping} for shipping \
                 and {added} of tax, is {given}"
            );
            at.field("total").fault::<()>("totals_mismatch", detail);
        }
    }

    /// What the total is made of; `None` when nothing but the lines.
    fn parts(&self) -> Option<Totals> {
        let amount = |price: Option<Price>| price.map_or(0, |price| price.amount.0);
        let totals = Totals {
            discount: amount(self.discount),
            shipping: amount(self.shipping),
            tax: amount(self.tax),
            tax_included: self.tax_included.unwrap_or(false),
        };
        (totals != Totals::default()).then_some(totals)
    }
}

/// Destinations by key, in the order they were written.
#[derive(Clone, Debug)]
pub struct Groups(pub Vec<(Id, ShipToShape)>);

impl Shape for Groups {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let Json::Object(groups) = json else { return at.wrong_type("an object", json) };
        if groups.len() > ORDER_LINES_MAX {
            let detail = format!("must have at most {ORDER_LINES_MAX} entries, has {}", groups.len());
            return at.fault("list_length_out_of_range", detail);
        }
        let mut seen = HashSet::new();
        let mut all = Vec::with_capacity(groups.len());
        for (key, ship_to) in groups {
            let at = at.field(key);
            if !seen.insert(key) {
                at.fault::<()>("duplicate_field", "is given more than once");
            }
            let key = Id::read(&Json::Text(key.clone()), &at);
            all.push(key.zip(ShipToShape::read(ship_to, &at)));
        }
        all.into_iter().collect::<Option<Vec<_>>>().map(Self)
    }
}

/// What becomes of personal data.
#[derive(Clone, Copy)]
enum Personally {
    Sealed,
    Dropped,
}

impl Personally {
    fn seal(self, data: &impl serde::Serialize) -> Sealed {
        match self {
            Self::Sealed => seal(data),
            Self::Dropped => Sealed::default(),
        }
    }
}

impl ShipToShape {
    fn judge(&self, at: &At<'_>) {
        position(self.latitude, self.longitude, at);
    }

    /// The order's own destination, its personal data sealed.
    pub fn sealed(self) -> ShipTo {
        self.destination("".into(), Personally::Sealed)
    }

    fn destination(self, group: Text, personal: Personally) -> ShipTo {
        let degrees = self.latitude.zip(self.longitude).map(|(north, east)| (north.0, east.0));
        let filled = |text: &Text| !text.trim().is_empty();
        let parts = AddressParts {
            name: filled(&self.name.0),
            line1: filled(&self.line1.0),
            city: filled(&self.city.0),
            phone: self.phone.as_ref().is_some_and(|phone| filled(&phone.0)),
            region: self.region.0.clone(),
        };
        let address = Address {
            name: self.name.0,
            company: self.company.map(Text::from),
            line1: self.line1.0,
            line2: self.line2.map(Text::from),
            city: self.city.0,
            region: self.region.0,
            postal_code: self.postal_code.0.clone(),
            phone: self.phone.map(Text::from),
            email: self.email.map(Text::from),
            degrees,
        };
        ShipTo {
            group,
            country: self.country.0,
            postal_code: self.postal_code.0,
            parts: Some(parts),
            position: degrees.and_then(|(north, east)| Position::from_degrees(north, east)).map(coarse),
            personal: personal.seal(&address),
        }
    }
}

impl NewOrder {
    pub(super) fn judge(&self, at: &At<'_>) {
        self.judge_lines(&at.field("lines"));
        self.judge_deliveries(&at.field("deliveries"));
        if self.allocate_at.is_some() && self.allocation != Some(AllocationMode::Deferred) {
            at.field("allocate_at").fault::<()>("needs_deferral", "is only for an allocation that is deferred");
        }
        let currency = self.currency();
        if let Some(totals) = &self.totals {
            let price = |line: &NewOrderLine| i128::from(line.unit_price.amount.0) * i128::from(line.quantity.units());
            totals.judge(self.lines.iter().map(price).sum(), currency, &at.field("totals"));
        }
    }

    fn judge_lines(&self, at: &At<'_>) {
        let currency = self.currency();
        let groups: HashSet<_> = self.groups.iter().flat_map(|groups| &groups.0).map(|(key, _)| key).collect();
        let mut ids = HashMap::with_capacity(self.lines.len());
        for (number, line) in self.lines.iter().enumerate() {
            let at = at.entry(number);
            if let Some(earlier) = ids.insert(line_id(line, number), number) {
                at.field("id").fault::<()>("duplicate_line_id", format!("is the id of lines[{earlier}] too"));
            }
            if line.unit_price.currency.0 != currency {
                mismatch(&at.field("unit_price"), currency);
            }
            if line.group.as_ref().is_some_and(|group| !groups.contains(group)) {
                at.field("group").fault::<()>("unknown_group", "is not a key of `groups`");
            }
        }
    }

    fn judge_deliveries(&self, at: &At<'_>) {
        let groups: HashSet<_> = self.groups.iter().flat_map(|groups| &groups.0).map(|(key, _)| key).collect();
        let mut seen = HashSet::new();
        for (number, delivery) in self.deliveries.iter().flatten().enumerate() {
            let at = at.entry(number);
            if !groups.contains(&delivery.group) {
                at.field("group").fault::<()>("unknown_group", "is not a key of `groups`");
            }
            if !seen.insert(&delivery.group) {
                at.field("group").fault::<()>("duplicate_change", "is named twice");
            }
        }
    }

    /// The slots of its lines.
    fn slots(&self) -> Vec<AskedSlot> {
        let asked = |(line, asked): (u16, &NewOrderLine)| {
            let SlotShape { node, id } = asked.slot.clone()?;
            Some(AskedSlot { line, node: node.0, slot: id.0 })
        };
        (0..).zip(&self.lines).filter_map(asked).collect()
    }

    /// Its lines that are warranties.
    fn warranties(&self) -> Vec<AskedWarranty> {
        let asked = |(line, asked): (u16, &NewOrderLine)| {
            let WarrantyShape { months, covers } = asked.warranty.clone()?;
            Some(AskedWarranty { line, covers: covers.map(Text::from), months: months.0 })
        };
        (0..).zip(&self.lines).filter_map(asked).collect()
    }

    /// Currency of its prices: that of the first line.
    fn currency(&self) -> Currency {
        self.lines.first().map_or(Currency::USD, |line| line.unit_price.currency.0)
    }

    /// The order to be placed, with the fingerprint of the body it came in.
    pub fn order(self, fingerprint: u64) -> PlaceOrder {
        self.command(fingerprint, Personally::Sealed)
    }

    /// The order to be quoted: of the customer nothing is kept.
    pub fn quote(self) -> PlaceOrder {
        self.command(0, Personally::Dropped)
    }

    fn command(self, fingerprint: u64, personal: Personally) -> PlaceOrder {
        let (slots, warranties) = (self.slots(), self.warranties());
        let currency = self.currency();
        let person = Person {
            name: self.customer.name.map(Text::from),
            email: self.customer.email.map(Text::from),
            phone: self.customer.phone.map(Text::from),
        };
        let groups = self.groups.map(|groups| groups.0).unwrap_or_default();
        let places: HashMap<Id, u16> = groups.iter().zip(1..).map(|((key, _), at)| (key.clone(), at)).collect();
        let own = (Id("".into()), self.ship_to);
        let destinations = std::iter::once(own).chain(groups).map(|(key, to)| to.destination(key.0, personal));
        let way = |delivery: GroupDelivery| {
            let (method, node) = (delivery.delivery_method.word().into(), delivery.preferred_node.map(Text::from));
            places.get(&delivery.group).map(|group| AskedWay { group: *group, method, node })
        };
        let ways = self.deliveries.into_iter().flatten().filter_map(way).collect();
        let payment = self.payment.map(|payment| Payment { method: payment.method.0, status: payment.status.0 });
        PlaceOrder {
            id: self.id.map(Text::from),
            fingerprint,
            kind: self.r#type,
            channel: self.channel.0,
            channel_order_id: self.channel_order_id.0,
            customer: self.customer.id.0,
            personal: personal.seal(&person),
            currency,
            destinations: destinations.collect(),
            lines: self.lines.into_iter().enumerate().map(|(n, line)| line.place(n, &places)).collect(),
            delivery_method: self.delivery_method.word().into(),
            reservation: self.reservation.map(Text::from),
            reacquire: self.reacquire.unwrap_or(false),
            rule_set: self.rule_set.map(Text::from),
            placed_at: self.placed_at.map(Instant::wall),
            payment,
            total: self.totals.map(|totals| totals.total.amount.0),
            holds: self.holds.unwrap_or_default().into_iter().map(NewHold::asked).collect(),
            wishes: Wishes {
                deferred: (self.allocation == Some(AllocationMode::Deferred))
                    .then(|| Deferred { allocate_at: self.allocate_at.map(Instant::wall) }),
                preferred_node: self.preferred_node.map(Text::from),
                totals: self.totals.as_ref().and_then(TotalsShape::parts),
                flags: self.flags.into_iter().flatten().map(|flag| flag.0.0).collect(),
                release_at: self.release_at.map(Instant::wall),
                arrives_by: self.arrives_by.map(|day| day.0),
                priority: self.priority.map_or(0, |priority| priority.0),
                slots,
                warranties,
                ways,
            },
        }
    }
}

fn mismatch(at: &At<'_>, currency: Currency) {
    at.field("currency").fault::<()>("currency_mismatch", format!("must be {currency}, as in the first line"));
}

fn line_id(line: &NewOrderLine, number: usize) -> Text {
    line.id.as_ref().map_or_else(|| (number + 1).to_string().into(), |id| id.0.clone())
}

impl NewOrderLine {
    fn place(self, number: usize, places: &HashMap<Id, u16>) -> PlaceLine {
        PlaceLine {
            id: line_id(&self, number),
            group: self.group.as_ref().and_then(|group| places.get(group)).copied().unwrap_or(0),
            sku: self.sku.0,
            quantity: self.quantity,
            unit_price: self.unit_price.amount.0,
        }
    }
}

shape! {
    /// Which page of the warranties of a customer.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct WarrantyParams {
        /// Most orders of the page.
        #[param(inline)]
        pub limit: Option<Limit>,
        /// `next_cursor` of the page before.
        #[param(inline)]
        pub cursor: Option<OrderCursor>,
    }
}

shape! {
    /// Which orders.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct OrderParams {
        /// In that status.
        #[param(inline)]
        pub status: Option<OrderStatus>,
        /// Of that channel.
        #[param(inline)]
        pub channel: Option<Id>,
        /// Of that customer, by id.
        #[param(inline)]
        pub customer: Option<Id>,
        /// With a line of that sku.
        #[param(inline)]
        pub sku: Option<Sku>,
        /// Placed then or later, by the channel's time.
        #[param(inline)]
        pub since: Option<Instant>,
        /// Placed before then, by the channel's time.
        #[param(inline)]
        pub until: Option<Instant>,
        /// Part of its id, its id in the channel, or its customer's id.
        #[param(inline)]
        pub q: Option<Name>,
        /// Most entries of the page.
        #[param(inline)]
        pub limit: Option<Limit>,
        /// `next_cursor` of the page before.
        #[param(inline)]
        pub cursor: Option<OrderCursor>,
    }
}

shape! {
    /// Units of one line that are to be cancelled.
    pub struct CancelledUnits {
        /// Id of the line.
        pub line: Id,
        /// Units.
        pub quantity: Quantity,
        /// Fulfilment order they are taken from. When left out: what nobody was found for, what waits, what is allocated
        /// (the dearest fulfilment order first), what is released.
        pub fulfillment_order: Option<Id>,
    }
}

impl Listed for CancelledUnits {
    const MOST: usize = ORDER_LINES_MAX;
}

shape! {
    /// What is to be cancelled.
    pub struct Cancellation {
        /// Units by line; all that can still be cancelled when left out.
        pub lines: Option<Vec<CancelledUnits>>,
        /// Why.
        pub reason: Reason,
    }
}

shape! {
    /// Orders whose shipments are to be joined.
    pub struct Consolidation {
        /// The others.
        pub orders: Vec<OtherOrder>,
    }
}

/// The id of another order.
#[derive(Clone, Debug, utoipa::ToSchema)]
pub struct OtherOrder(pub Id);

impl Shape for OtherOrder {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        Id::read(json, at).map(Self)
    }
}

impl Listed for OtherOrder {
    const MOST: usize = CONSOLIDATED_MAX;
}

impl Consolidation {
    /// The command for one order.
    pub fn command(self, order: Text) -> Command {
        let with = self.orders.into_iter().map(|other| other.0.0).collect();
        Command::Consolidate(Consolidate { order, with })
    }
}

shape! {
    /// The order that is to become part of another.
    pub struct OrderMerging {
        /// All that is open of it goes to the order in the path.
        pub with: Id,
    }
}

impl OrderMerging {
    /// The command for one order.
    pub fn command(self, order: Text) -> Command {
        Command::MergeOrders(MergeOrders { order, with: self.with.0 })
    }
}

shape! {
    /// Units that are to become an order of their own.
    pub struct Splitting {
        /// The caller's own id of the new order.
        pub id: Option<CallerId>,
        /// The channel's id of the new order; that of the order with a number behind it when left out.
        pub channel_order_id: Option<ChannelOrderId>,
        /// Which units.
        pub lines: Vec<CancelledUnits>,
    }
}

impl Splitting {
    /// The command for one order, with the fingerprint of the body it came in.
    pub fn command(self, order: Text, fingerprint: u64) -> Command {
        Command::SplitOrder(SplitOrder {
            order,
            id: self.id.map(Text::from),
            fingerprint,
            channel_order_id: self.channel_order_id.map(|id| id.0),
            lines: self.lines.into_iter().map(CancelledUnits::asked).collect(),
        })
    }
}

impl CancelledUnits {
    fn asked(self) -> CancelUnits {
        let from = self.fulfillment_order.map(Text::from);
        CancelUnits { line: self.line.0, quantity: self.quantity, from }
    }
}

impl Cancellation {
    /// The command for one order.
    pub fn command(self, order: Text) -> Command {
        let lines = self.lines.map(|lines| lines.into_iter().map(CancelledUnits::asked).collect());
        Command::CancelOrder(CancelOrder { order, lines, reason: self.reason.0 })
    }
}
