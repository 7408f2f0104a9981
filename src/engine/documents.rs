//! Documents: what is found by its generated number or by an id of the caller, one at a time or all that memory holds.
//!
//! One line per kind, since each has a table, a key and a name of its own. What is *not* here: what happens to them.

use super::Engine;
use super::table::{Name, Named};
use crate::domain::cycle_count::CycleCount;
use crate::domain::draft::Draft;
use crate::domain::ids::{CycleCountKey, DraftKey, InboundKey, ReturnKey, TransferKey, WaveKey};
use crate::domain::inbound::Inbound;
use crate::domain::rejection::Rejection;
use crate::domain::returns::Return;
use crate::domain::transfer::Transfer;
use crate::domain::wave::Wave;

macro_rules! documents {
    ($($kind:ident($key:ty) in $table:ident as $word:literal: $find:ident, $one:ident, $by_key:ident, $keys:ident;)*) => {
        impl Engine { $(
            pub(super) fn $find(&self, id: &str) -> Option<$key> {
                <$key>::parse(id).or_else(|| match self.names.find(&Name::$kind(id.into())) {
                    Some(Named::$kind(key, _)) => Some(key),
                    _ => None,
                })
            }

            #[doc = concat!("A ", $word, " by its number.")]
            pub fn $by_key(&self, key: $key) -> Option<$kind> {
                self.$table.lock(key)?.clone()
            }

            #[doc = concat!("A ", $word, " by generated or caller's id. Its `seq` must be durable before it is shown.")]
            pub fn $one(&self, id: &str) -> Result<$kind, Rejection> {
                let found = self.$find(id).and_then(|key| self.$by_key(key));
                found.ok_or_else(|| Rejection::not_found($word, id))
            }

            #[doc = concat!("All of kind ", $word, " that memory holds, newest first.")]
            pub fn $keys(&self) -> Vec<$key> {
                let mut keys = self.$table.keys();
                keys.sort_unstable_by(|a, b| b.cmp(a));
                keys
            }
        )* }
    };
}

documents! {
    Inbound(InboundKey) in inbound as "inbound": find_inbound, inbound, inbound_by_key, inbound_keys;
    Transfer(TransferKey) in transfers as "transfer": find_transfer, transfer, transfer_by_key, transfer_keys;
    CycleCount(CycleCountKey) in cycle_counts as "count":
        find_cycle_count, cycle_count, cycle_count_by_key, cycle_count_keys;
    Return(ReturnKey) in returns as "return": find_return, returned, return_by_key, return_keys;
    Wave(WaveKey) in waves as "wave": find_wave, wave, wave_by_key, wave_keys;
    Draft(DraftKey) in drafts as "draft": find_draft, draft, draft_by_key, draft_keys;
}
