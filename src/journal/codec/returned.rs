//! The entry of a return in a snapshot: the return alone, or with what lies beside it.
//!
//! | version | beside the return |
//! |---|---|
//! | 1 | nothing |
//! | 2 | money that went to what replaces it |
//! | 3 | that, and its parcels |
//! | 4 | all that, kits that were taken apart, and receipts before a carrier's last word |
//!
//! Each is written as the first that has all of it.

use super::{ENTITY_BYTES_MAX, Undecodable, get, put_sized};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::ids::ReturnKey;
use crate::domain::return_parcels::{Came, Parcels};
use crate::domain::returns::{ApartKits, Return};

const ALONE: u16 = 1;
const WITH_MONEY: u16 = 2;
const WITH_PARCELS: u16 = 3;
const WITH_KITS: u16 = 4;

/// The version in which it is written.
pub(super) fn version(known: &Return) -> u16 {
    match known {
        _ if known.has_news() => WITH_KITS,
        _ if !known.parcels.is_empty() => WITH_PARCELS,
        _ if known.has_beside() => WITH_MONEY,
        _ => ALONE,
    }
}

/// Appends key and return.
pub(super) fn put(bytes: &mut Vec<u8>, key: ReturnKey, known: &Return) {
    let Return { credited, instead, parcels, kits, .. } = known;
    match version(known) {
        WITH_KITS => put_sized(bytes, &(key, known, credited, instead, parcels, kits, parcels.came())),
        WITH_PARCELS => put_sized(bytes, &(key, known, credited, instead, parcels)),
        WITH_MONEY => put_sized(bytes, &(key, known, credited, instead)),
        _ => put_sized(bytes, &(key, known)),
    }
}

/// Key and return of a version that is known.
pub(super) fn take(version: u16, bytes: &[u8]) -> Result<(EntityKey, Entity), Undecodable> {
    type Money = (ReturnKey, Box<Return>, i64, Option<i64>);
    type Tracked = (ReturnKey, Box<Return>, i64, Option<i64>, Parcels);
    type Apart = (ReturnKey, Box<Return>, i64, Option<i64>, Parcels, Vec<ApartKits>, Option<Came>);
    fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Undecodable> {
        get("entity", bytes, ENTITY_BYTES_MAX)
    }
    let (key, known) = match version {
        ALONE => read::<(ReturnKey, Box<Return>)>(bytes)?,
        WITH_MONEY => {
            let (key, known, credited, instead): Money = read(bytes)?;
            (key, Box::new(Return { credited, instead, ..*known }))
        }
        WITH_PARCELS => {
            let (key, known, credited, instead, parcels): Tracked = read(bytes)?;
            (key, Box::new(Return { credited, instead, parcels, ..*known }))
        }
        WITH_KITS => {
            let (key, known, credited, instead, parcels, kits, came): Apart = read(bytes)?;
            (key, Box::new(Return { credited, instead, parcels: parcels.with(came), kits, ..*known }))
        }
        version => return Err(Undecodable::Unknown { what: "entity", code: 29, version }),
    };
    Ok((EntityKey::Return(key), Entity::Return(known)))
}
