//! Cartons are put: a change of the catalogue like any other.

use super::network::Network;
use super::turn::Turn;
use super::{Engine, Executed};
use crate::domain::carton::Carton;
use crate::domain::command::PutCarton;
use crate::domain::event::Event;
use crate::domain::ids::{NodeIndex, Text};
use crate::domain::limits::CARTONS_PUT_MAX;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;

impl Engine {
    pub(super) fn put_carton(&self, turn: &Turn<'_>, command: PutCarton) -> Result<Executed, Rejection> {
        let mut network = self.network.write().expect("no writer of the catalogue panics and survives");
        let created = network.catalogue.carton(&command.id).is_none();
        let carton = carton(&network, command, created)?;
        let mut seq = network.catalogue.seq;
        if network.catalogue.carton(&carton.id) != Some(&carton) {
            seq = self.append_catalogue(turn, &network, Event::CartonPut(Box::new(carton.clone())))?;
            network.catalogue.put_carton(carton.clone());
            network.catalogue.seq = seq;
        }
        Ok(Executed::done(Reply::Carton { carton: Box::new(carton), created }, seq))
    }
}

/// A carton in this catalogue; all faults together.
fn carton(network: &Network, command: PutCarton, created: bool) -> Result<Carton, Rejection> {
    let PutCarton { id, name, inner, outer, weight_g, max_weight_g, cost, nodes } = command;
    let mut faults = Vec::new();
    if created && network.catalogue.cartons().count() >= CARTONS_PUT_MAX {
        faults.push(Fault::new("carton", "too_many", format!("there are at most {CARTONS_PUT_MAX} cartons")));
    }
    let base = network.catalogue.base_currency;
    if cost.currency != base {
        let detail = format!("what a carton costs is in the base currency {base}, not {}", cost.currency);
        faults.push(Fault::new("cost.currency", "wrong_currency", detail));
    }
    let nodes = nodes.map(|nodes| at(network, &nodes, &mut faults));
    if !faults.is_empty() {
        return Err(Rejection::Invalid(faults));
    }
    Ok(Carton { id, name, inner, outer, weight_g, max_weight_g, cost: cost.amount, nodes })
}

fn at(network: &Network, nodes: &[Text], faults: &mut Vec<Fault>) -> Vec<NodeIndex> {
    let mut found = Vec::with_capacity(nodes.len());
    for (number, id) in nodes.iter().enumerate() {
        match network.catalogue.node_index(id) {
            None => {
                faults.push(Fault::new(format!("nodes[{number}]"), "unknown_node", format!("there is no node {id:?}")))
            }
            Some(node) => found.push(node),
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}
