//! Warranties: lines of orders that are registered to the customer when what they cover is delivered.

use serde::Serialize;
use utoipa::ToSchema;

use super::reading::shape;
use super::scalar::{Id, Instant, Months, Sku};
use crate::domain::catalogue::Catalogue;
use crate::domain::order::Order;
use crate::domain::particulars::{Registered, Warranty};

shape! {
    /// That a line is a warranty.
    #[schema(as = WarrantyTerms)]
    pub struct WarrantyShape {
        /// How long it lasts from delivery on, in months.
        pub months: Months,
        /// Id of the line it covers: it is registered when that is delivered. Its own when left out.
        pub covers: Option<Id>,
    }
}

/// A warranty of an order.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Warranty)]
pub struct WarrantyJson {
    /// How long it lasts from delivery on, in months.
    pub months: u32,
    /// Id of the line it covers.
    pub covers: Id,
    /// What was registered to the customer.
    pub registered: Vec<RegisteredJson>,
}

/// Units of a warranty that last.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = RegisteredUnits)]
pub struct RegisteredJson {
    /// How many.
    pub quantity: u32,
    /// From when on: the delivery.
    pub from: Instant,
    /// Until when.
    pub until: Instant,
}

/// A warranty that was registered to a customer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CustomerWarranty)]
pub struct CustomerWarrantyJson {
    /// The order.
    pub order: String,
    /// Id of its line.
    pub line: Id,
    /// Sku of the warranty.
    pub sku: Sku,
    /// What it covers.
    pub covers: Sku,
    /// How many.
    pub quantity: u32,
    /// From when on: the delivery.
    pub from: Instant,
    /// Until when.
    pub until: Instant,
}

impl RegisteredJson {
    fn of(registered: &Registered) -> Self {
        Self { quantity: registered.units, from: registered.from.into(), until: registered.until.into() }
    }
}

impl WarrantyJson {
    /// What a line of an order is, if it is a warranty.
    pub fn of(order: &Order, line: u16) -> Option<Self> {
        let warranty = order.warranties().iter().find(|warranty| warranty.line == line)?;
        Some(Self {
            months: warranty.months,
            covers: Id(order.lines[usize::from(warranty.covers)].placed.id.clone()),
            registered: warranty.registered.iter().map(RegisteredJson::of).collect(),
        })
    }
}

impl CustomerWarrantyJson {
    /// What was registered of an order.
    pub fn all_of(order: &Order, catalogue: &Catalogue) -> Vec<Self> {
        let placed = |line: u16| &order.lines[usize::from(line)].placed;
        let sku = |line: u16| Sku(catalogue.item(placed(line).sku).sku.clone());
        let of = |warranty: &Warranty, registered: &Registered| {
            let RegisteredJson { quantity, from, until } = RegisteredJson::of(registered);
            Self {
                order: order.name(),
                line: Id(placed(warranty.line).id.clone()),
                sku: sku(warranty.line),
                covers: sku(warranty.covers),
                quantity,
                from,
                until,
            }
        };
        let warranties = order.warranties().iter();
        warranties
            .flat_map(|warranty| warranty.registered.iter().map(move |registered| of(warranty, registered)))
            .collect()
    }
}
