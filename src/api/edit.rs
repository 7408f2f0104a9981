//! Edits of orders: asked for, and shown with what they cost, what they set aside and why.

use serde::Serialize;
use utoipa::ToSchema;

use super::decision::{DecisionJson, LineNames};
use super::order::{ShipToJson, ShipToShape};
use super::reading::{At, Listed, shape};
use super::scalar::{Count, Id, Instant, MoneyJson, Price, Sku};
use super::words::as_word;
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{Command, EditChange, EditOutcome, EndEdit, OpenEdit};
use crate::domain::edit::{Edit, EditState};
use crate::domain::ids::Text;
use crate::domain::limits::EDIT_CHANGES_MAX;
use crate::domain::money::Money;
use crate::domain::order::{Order, PlacedLine};
use crate::domain::quantity::Quantity;
use crate::domain::time::JournalTime;

shape! {
    /// What is to change of an order, all of it or nothing.
    pub struct NewEdit {
        /// The changes, each of another thing.
        pub changes: Vec<ChangeShape>,
    }
}

shape! {
    /// One change: of a line, of a line more, or of where the order goes.
    #[schema(as = EditChange)]
    pub struct ChangeShape {
        /// Id of the line that changes.
        pub line: Option<Id>,
        /// Units wanted of that line, cancelled ones not counted; 0 when it is no longer wanted.
        pub quantity: Option<Count>,
        /// Price of one unit of that line.
        pub unit_price: Option<Price>,
        /// A line more.
        pub add: Option<AddedLine>,
        /// Where the order goes: everything for its own destination that no node has begun to pick.
        pub ship_to: Option<ShipToShape>,
    }
    check = ChangeShape::judge;
}

impl Listed for ChangeShape {
    const MOST: usize = EDIT_CHANGES_MAX;
}

shape! {
    /// A line more.
    pub struct AddedLine {
        /// Id within the order; the next free number when left out.
        pub id: Option<Id>,
        /// What.
        pub sku: Sku,
        /// How many.
        pub quantity: Quantity,
        /// Price of one.
        pub unit_price: Price,
    }
}

impl ChangeShape {
    fn judge(&self, at: &At<'_>) {
        let named = [self.line.is_some(), self.add.is_some(), self.ship_to.is_some()];
        if named.into_iter().filter(|named| *named).count() != 1 {
            at.fault::<()>("ambiguous_change", "must have one of `line`, `add` and `ship_to`");
        } else if self.line.is_some() && self.quantity.is_none() && self.unit_price.is_none() {
            at.field("quantity").fault::<()>("missing_field", "is required when there is no unit_price");
        } else if self.line.is_none() && (self.quantity.is_some() || self.unit_price.is_some()) {
            at.fault::<()>("ambiguous_change", "has `quantity` or `unit_price` without their `line`");
        }
    }

    fn asked(self) -> EditChange {
        match (self.line, self.add, self.ship_to) {
            (_, Some(add), _) => EditChange::Add {
                id: add.id.map(Text::from),
                sku: add.sku.0,
                quantity: add.quantity,
                unit_price: money(add.unit_price),
            },
            (_, _, Some(ship_to)) => EditChange::ShipTo(ship_to.sealed()),
            (line, None, None) => EditChange::Line {
                line: line.map(Text::from).unwrap_or_default(),
                quantity: self.quantity.map(|count| count.0),
                unit_price: self.unit_price.map(money),
            },
        }
    }
}

fn money(price: Price) -> Money {
    Money { amount: price.amount.0, currency: price.currency.0 }
}

impl NewEdit {
    /// The command for one order.
    pub fn command(self, order: Text) -> Command {
        let changes = self.changes.into_iter().map(ChangeShape::asked).collect();
        Command::OpenEdit(OpenEdit { order, changes })
    }
}

/// The command that ends an edit.
pub fn end(order: Text, edit: Text, outcome: EditOutcome) -> Command {
    Command::EndEdit(EndEdit { order, edit, outcome })
}

/// An edit, in the answer of its order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EditBrief {
    /// Its id within the order.
    pub id: String,
    /// Where it stands.
    #[serde(serialize_with = "as_word")]
    pub state: EditState,
    /// What the customer owes more with it; below zero, less.
    pub difference: MoneyJson,
    /// Until when it can be confirmed.
    pub expires_at: Instant,
}

impl EditBrief {
    /// All edits of an order, in their order.
    pub fn all_of(order: &Order) -> Vec<Self> {
        let one = |edit: &Edit| Self {
            id: edit.name(),
            state: edit.state,
            difference: difference(order, edit),
            expires_at: edit.terms.expires_at.into(),
        };
        order.edits.iter().map(one).collect()
    }
}

fn difference(order: &Order, edit: &Edit) -> MoneyJson {
    Money { amount: edit.terms.difference, currency: order.facts.currency }.into()
}

/// An edit.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Edit)]
pub struct EditJson {
    /// Its id within the order.
    pub id: String,
    /// The order.
    pub order: String,
    /// Where it stands.
    #[serde(serialize_with = "as_word")]
    pub state: EditState,
    /// What the customer owes more with it; below zero, less.
    pub difference: MoneyJson,
    /// Lines that change, and lines that are added.
    pub changes: Vec<ChangedLine>,
    /// Where the order goes from then on, if elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ship_to: Option<ShipToJson>,
    /// Reservation that holds what it needs; none when it needs nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation: Option<String>,
    /// Who opened it.
    #[schema(value_type = String)]
    pub actor: Text,
    /// When.
    pub opened_at: Instant,
    /// Until when it can be confirmed.
    pub expires_at: Instant,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Instant>,
    /// Who ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub ended_by: Option<Text>,
    /// What it decides, as long as it is open; nothing where nothing has to be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionJson>,
}

/// A line that changes or is added.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChangedLine {
    /// Its id within the order.
    pub line: Id,
    /// Its sku.
    pub sku: Sku,
    /// Units wanted so far, cancelled ones not counted; 0 of a line that is added.
    pub quantity_before: u32,
    /// Units wanted from then on.
    pub quantity: u32,
    /// Price of one so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price_before: Option<MoneyJson>,
    /// Price of one from then on.
    pub unit_price: MoneyJson,
}

/// The lines of an order as an edit would leave them.
struct EditedLines<'a> {
    order: &'a Order,
    added: &'a [PlacedLine],
    catalogue: &'a Catalogue,
}

impl EditedLines<'_> {
    fn placed(&self, position: u16) -> &PlacedLine {
        let at = usize::from(position);
        let there = self.order.lines.get(at).map(|line| &line.placed);
        // An edit is shown with its decision only while its lines are not in the order.
        there.unwrap_or_else(|| &self.added[at - self.order.lines.len()])
    }
}

impl LineNames for EditedLines<'_> {
    fn line(&self, position: u16) -> (&Text, &Text) {
        let placed = self.placed(position);
        (&placed.id, &self.catalogue.item(placed.sku).sku)
    }

    fn group(&self, position: u16) -> u16 {
        self.placed(position).group
    }

    fn group_key(&self, group: u16) -> Option<&Text> {
        (group > 0).then(|| &self.order.facts.destinations[usize::from(group)].group)
    }

    fn preferred_node(&self) -> Option<&Text> {
        self.order.preferred_node().map(|node| &self.catalogue.node(node).id)
    }
}

impl EditJson {
    /// The JSON of an edit of an order as of `now`, with its decision and the nearest losers.
    pub fn written(order: &Order, number: u16, catalogue: &Catalogue, now: JournalTime) -> Vec<u8> {
        let edit = order.edit(number).expect("an edit that is answered is there");
        let mut out = serde_json::to_vec(&Self::of(order, edit, catalogue, now)).expect("text keys and whole numbers");
        if let Some(decision) = &edit.decision {
            let end = out.pop();
            out.extend_from_slice(br#","decision":"#);
            let lines = EditedLines { order, added: &edit.terms.added, catalogue };
            DecisionJson::write_brief(&mut out, decision, &lines, catalogue);
            out.extend(end);
        }
        out
    }

    /// An edit without its decision.
    pub fn of(order: &Order, edit: &Edit, catalogue: &Catalogue, now: JournalTime) -> Self {
        let terms = &edit.terms;
        let money = |amount| Money { amount, currency: order.facts.currency }.into();
        let sku = |placed: &PlacedLine| Sku(catalogue.item(placed.sku).sku.clone());
        let changed = terms.lines.iter().map(|change| {
            let placed = &order.lines[usize::from(change.line)].placed;
            ChangedLine {
                line: Id(placed.id.clone()),
                sku: sku(placed),
                quantity_before: change.quantity_before,
                quantity: change.quantity,
                unit_price_before: Some(money(change.unit_price_before)),
                unit_price: money(change.unit_price),
            }
        });
        let added = terms.added.iter().map(|placed| ChangedLine {
            line: Id(placed.id.clone()),
            sku: sku(placed),
            quantity_before: 0,
            quantity: placed.quantity,
            unit_price_before: None,
            unit_price: money(placed.unit_price),
        });
        Self {
            id: edit.name(),
            order: order.name(),
            state: edit.state_at(now),
            difference: difference(order, edit),
            changes: changed.chain(added).collect(),
            ship_to: terms.destination.as_ref().map(ShipToJson::of),
            reservation: terms.reservation.map(|key| key.to_string()),
            actor: edit.actor.clone(),
            opened_at: edit.since.into(),
            expires_at: terms.expires_at.into(),
            ended_at: edit.ended.as_ref().map(|(at, _)| (*at).into()),
            ended_by: edit.ended.as_ref().map(|(_, by)| by.clone()),
            decision: None,
        }
    }
}
