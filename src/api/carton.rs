//! Cartons: put and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::channel::ids;
use super::reading::{At, shape};
use super::scalar::{Grams, Id, MoneyJson, Name, PackedEdge, Price};
use crate::domain::carton::Carton;
use crate::domain::catalogue::Catalogue;
use crate::domain::command::PutCarton;
use crate::domain::ids::Text;
use crate::domain::item::Dimensions;
use crate::domain::limits::CARTON_NODES_MAX;
use crate::domain::money::Money;

shape! {
    /// A carton, whole.
    pub struct CartonPut {
        /// Name for people.
        pub name: Name,
        /// Room inside.
        pub inner_mm: PackedEdges,
        /// Size outside, which carriers measure: nowhere smaller than inside.
        pub outer_mm: PackedEdges,
        /// Its own weight.
        pub weight_g: Grams,
        /// Most it may weigh, itself included.
        pub max_weight_g: Grams,
        /// What one costs, in the base currency.
        pub cost: Price,
        /// Nodes that have it; all when left out.
        pub nodes: Option<Vec<CartonNode>>,
    }
    check = CartonPut::judge;
}

shape! {
    /// Size of what is packed or packed into, millimetres.
    #[derive(Copy, Serialize)]
    pub struct PackedEdges {
        /// Length.
        pub length: PackedEdge,
        /// Width.
        pub width: PackedEdge,
        /// Height.
        pub height: PackedEdge,
    }
}

ids! {
    /// A node that has a carton.
    CartonNode in 1, CARTON_NODES_MAX;
}

impl PackedEdges {
    /// Length, width, height.
    pub fn edges(&self) -> [u32; 3] {
        [self.length.0, self.width.0, self.height.0]
    }

    /// As the domain has them.
    pub fn dimensions(&self) -> Dimensions {
        Dimensions { length: self.length.0, width: self.width.0, height: self.height.0 }
    }
}

impl From<Dimensions> for PackedEdges {
    fn from(Dimensions { length, width, height }: Dimensions) -> Self {
        Self { length: PackedEdge(length), width: PackedEdge(width), height: PackedEdge(height) }
    }
}

impl CartonPut {
    fn judge(&self, at: &At<'_>) {
        let edges = [("length", 0), ("width", 1), ("height", 2)];
        let (inner, outer) = (self.inner_mm.edges(), self.outer_mm.edges());
        for (name, axis) in edges.into_iter().filter(|(_, axis)| outer[*axis] < inner[*axis]) {
            let detail = format!("must be at least {}, as much as inside, is {}", inner[axis], outer[axis]);
            at.field("outer_mm").field(name).fault::<()>("number_out_of_range", detail);
        }
        if self.max_weight_g.0 <= self.weight_g.0 {
            let detail = format!("must be more than the carton's own {}, is {}", self.weight_g.0, self.max_weight_g.0);
            at.field("max_weight_g").fault::<()>("number_out_of_range", detail);
        }
    }

    /// The carton under its id.
    pub fn command(self, id: Text) -> PutCarton {
        PutCarton {
            id,
            name: self.name.0,
            inner: self.inner_mm.dimensions(),
            outer: self.outer_mm.dimensions(),
            weight_g: self.weight_g.0,
            max_weight_g: self.max_weight_g.0,
            cost: Money::from(self.cost),
            nodes: self.nodes.map(|nodes| nodes.into_iter().map(|CartonNode(id)| id.0).collect()),
        }
    }
}

/// A carton.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Carton)]
#[allow(missing_docs, reason = "the fields are those of `CartonPut`")]
pub struct CartonJson {
    pub id: Id,
    pub name: Name,
    pub inner_mm: PackedEdges,
    pub outer_mm: PackedEdges,
    pub weight_g: Grams,
    pub max_weight_g: Grams,
    pub cost: MoneyJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<Id>>,
}

impl CartonJson {
    /// A carton of the catalogue.
    pub fn of(carton: &Carton, catalogue: &Catalogue) -> Self {
        let node = |node: &_| Id(catalogue.node(*node).id.clone());
        Self {
            id: Id(carton.id.clone()),
            name: Name(carton.name.clone()),
            inner_mm: carton.inner.into(),
            outer_mm: carton.outer.into(),
            weight_g: Grams(carton.weight_g),
            max_weight_g: Grams(carton.max_weight_g),
            cost: Money { amount: carton.cost, currency: catalogue.base_currency }.into(),
            nodes: carton.nodes.as_ref().map(|nodes| nodes.iter().map(node).collect()),
        }
    }
}
