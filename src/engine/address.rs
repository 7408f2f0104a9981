//! How addresses of a country are written: put, and what is captured judged by it. Where nothing was put nothing is
//! judged, and nothing is looked up.

use super::network::Network;
use super::turn::Turn;
use super::{Engine, Executed};
use crate::domain::address::{AddressFormat, KnownFormat};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::ShipTo;
use crate::domain::event::Event;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;

impl Engine {
    pub(super) fn put_address_format(&self, turn: &Turn<'_>, format: AddressFormat) -> Result<Executed, Rejection> {
        let mut network = self.network.write().expect("no writer of the catalogue panics and survives");
        let known = network.catalogue.address_format(&format.country).map(KnownFormat::format);
        let created = known.is_none();
        let mut seq = network.catalogue.seq;
        if known != Some(&format) {
            let put = KnownFormat::of(format.clone())
                .map_err(|bad| Rejection::invalid("postal_code_pattern", "invalid_pattern", bad.to_string()))?;
            seq = self.append_catalogue(turn, &network, Event::AddressFormatPut(Box::new(format.clone())))?;
            network.catalogue.put_address_format(put);
            network.catalogue.seq = seq;
        }
        Ok(Executed::done(Reply::AddressFormat { format: Box::new(format), created }, seq))
    }

    /// Formats of a state.
    pub(super) fn know_address_formats(&self, formats: Vec<KnownFormat>) {
        let mut network = self.network.write().expect("nobody else knows the engine yet");
        let Network { catalogue, .. } = &mut *network;
        formats.into_iter().for_each(|format| catalogue.put_address_format(format));
    }
}

/// What is wrong with the address of a destination, by its country's format.
pub(super) fn faults_of(catalogue: &Catalogue, to: &ShipTo) -> Vec<Fault> {
    let (Some(format), Some(parts)) = (catalogue.address_format(&to.country), &to.parts) else { return Vec::new() };
    let at = if to.group.is_empty() { "ship_to".to_owned() } else { format!("groups.{}", to.group) };
    format.faults(&at, parts, &to.postal_code)
}
