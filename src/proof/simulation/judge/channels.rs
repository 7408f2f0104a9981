//! What channels may have: no take leaves one above its cap or another below its floor, and the limits records are what
//! cells and owners say.

use std::collections::{BTreeMap, BTreeSet};

use super::{Judge, Lawful, law};
use crate::domain::channel::{Channel, ChannelEvent};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::Event;
use crate::domain::ids::{ChannelIndex, SkuIndex, Text};
use crate::domain::record::Record;
use crate::domain::stock::{CellKey, Level};
use crate::domain::time::JournalTime;
use crate::engine::{AtpAsked, Engine};

impl Judge {
    pub(super) fn channels(&self) -> impl Iterator<Item = (ChannelIndex, &Channel)> {
        let at = |at| match self.appended.entity(&EntityKey::Channel(ChannelIndex(at))) {
            Some(Entity::Channel(channel)) => Some((ChannelIndex(at), &**channel)),
            _ => None,
        };
        (0..).map_while(at)
    }

    /// The channels somebody's demand may count as, the first first.
    pub(super) fn channels_of(&self, channel: Option<&Text>, customer: Option<&Text>) -> Vec<(ChannelIndex, &Channel)> {
        let segment =
            self.channels().filter(|(_, c)| customer.is_some_and(|customer| c.terms.customers.contains(customer)));
        segment.chain(self.channels().filter(|(_, c)| channel.is_some_and(|id| *id == c.terms.id))).collect()
    }

    /// What is free of skus with limits, where it can be had.
    pub(super) fn limited_free(&self) -> BTreeMap<SkuIndex, u64> {
        let limits = self.channels().flat_map(|(_, channel)| &channel.terms.limits);
        let skus: BTreeSet<SkuIndex> = limits.map(|limit| limit.sku).collect();
        let free = |sku: SkuIndex| {
            let nodes = self.supplying.iter();
            nodes.map(|node| u64::from(self.appended.level(CellKey { sku, node: *node }).available)).sum()
        };
        skus.into_iter().map(|sku| (sku, free(sku))).collect()
    }

    /// What each channel uses of the skus it has a limit of, and everybody else together.
    pub(super) fn uses(&self) -> BTreeMap<(SkuIndex, Option<ChannelIndex>), u64> {
        let mut used = BTreeMap::new();
        for (index, channel) in self.channels() {
            for limit in &channel.terms.limits {
                used.insert((limit.sku, Some(index)), u64::from(channel.shipped_of(limit.sku)));
                used.entry((limit.sku, None)).or_default();
            }
        }
        if used.is_empty() {
            return used;
        }
        for holding in self.holdings.values() {
            let channels = self.channels_of(holding.channel.as_ref(), holding.customer.as_ref());
            for (sku, units) in &holding.units {
                let own = channels.iter().find(|(_, channel)| channel.terms.limit(*sku).is_some());
                if let Some(used) = used.get_mut(&(*sku, own.map(|(index, _)| *index))) {
                    *used += units;
                }
            }
        }
        used
    }

    /// What channels keep from somebody who counts as one of them, or as none, by what they used then.
    pub(super) fn kept_from(
        &self,
        sku: SkuIndex,
        own: Option<ChannelIndex>,
        used: &BTreeMap<(SkuIndex, Option<ChannelIndex>), u64>,
    ) -> u64 {
        let others = self.channels().filter(|(index, _)| Some(*index) != own);
        let kept = others.filter_map(|(index, channel)| {
            let limit = channel.terms.limit(sku)?;
            Some(u64::from(limit.floor).saturating_sub(used.get(&(sku, Some(index))).copied().unwrap_or(0)))
        });
        kept.sum()
    }

    /// A record that takes units leaves nobody above a cap and others their floors; `free` is what was free before it.
    pub(super) fn limits_kept(&mut self, record: &Record, free: BTreeMap<SkuIndex, u64>) -> Lawful {
        let used = self.uses();
        let before = std::mem::replace(&mut self.used, used);
        let sets = |event: &Event| {
            matches!(event, Event::ChannelChanged(changed) if matches!(changed.event, ChannelEvent::Put(_)))
                || matches!(event, Event::NodePut(_))
        };
        if self.used.is_empty() || record.events.iter().any(sets) {
            return Ok(());
        }
        self.laws += 1;
        let after = self.limited_free();
        for ((sku, own), now) in &self.used {
            let then = before.get(&(*sku, *own)).copied().unwrap_or(0);
            if *now <= then {
                continue;
            }
            let limit = own.and_then(|own| self.channels().nth(own.at())?.1.terms.limit(*sku));
            if let Some(cap) = limit.and_then(|limit| limit.cap) {
                law!(*now <= u64::from(cap), "{own:?} uses {now} of {sku:?}, its cap is {cap}: {record:?}");
            }
            let kept = self.kept_from(*sku, *own, &before);
            if after[sku] < free[sku] {
                law!(
                    after[sku] >= kept,
                    "{} of {sku:?} are left by {own:?}, others keep {kept}: {record:?}",
                    after[sku]
                );
            }
        }
        Ok(())
    }

    /// The limits records are what the records of the journal say.
    pub(super) fn limits(&self, engine: &Engine) -> Lawful {
        let free = self.limited_free();
        let records = engine.all_limits();
        law!(records.len() == free.len(), "{} skus have limits, memory has records of {}", free.len(), records.len());
        for (sku, channels, record) in records {
            let owners = || channels.iter().copied().map(Some).chain([None]);
            let used: Vec<u64> = record.shares.iter().map(|share| u64::from(share.used)).collect();
            let should: Vec<u64> = owners().map(|own| self.used.get(&(sku, own)).copied().unwrap_or(0)).collect();
            law!(used == should, "channels {channels:?} use {used:?} of {sku:?} in memory, {should:?} by the records");
            law!(record.in_flight == 0, "{sku:?}: {record:?} is in flight at rest");
            let is = u64::from(record.free);
            law!(is == free[&sku], "{is} of {sku:?} are free by the limits, {} in its cells", free[&sku]);
            for (own, share) in owners().zip(&record.shares) {
                let limit = own.and_then(|own| self.channels().nth(own.at())?.1.terms.limit(sku));
                let put = limit.map_or((0, u32::MAX), |limit| (limit.floor, limit.cap.unwrap_or(u32::MAX)));
                law!((share.floor, share.cap) == put, "{own:?} has {share:?} of {sku:?}, put was {put:?}");
            }
        }
        Ok(())
    }

    /// What is promised through a channel is what it may have, when nothing is due.
    pub(super) fn promised_through(
        &self,
        engine: &Engine,
        now: JournalTime,
        sku: SkuIndex,
        name: &str,
        levels: &[(CellKey, Level)],
    ) -> Lawful {
        for (index, channel) in self.channels() {
            let own = levels.iter().filter(|(cell, _)| cell.sku == sku && self.supplying.contains(&cell.node));
            let served = own.filter(|(cell, _)| channel.terms.serves(cell.node));
            let served: u64 = served.map(|(_, level)| u64::from(level.available)).sum();
            let limit = channel.terms.limit(sku);
            let own = limit.map(|_| index);
            let free = self.limited_free().get(&sku).copied().unwrap_or(served);
            let room = limit.and_then(|limit| limit.cap).map_or(u64::MAX, |cap| {
                u64::from(cap).saturating_sub(self.used.get(&(sku, own)).copied().unwrap_or(0))
            });
            let expected = served.min(free.saturating_sub(self.kept_from(sku, own, &self.used))).min(room);
            let asked = AtpAsked { channel: Some(&channel.terms.id), ..AtpAsked::default() };
            let promised = engine.atp_for(now, name, asked).map_err(|rejection| rejection.to_string())?.available;
            let id = &channel.terms.id;
            law!(promised == expected, "{promised} of {name} can be promised through {id}, it may have {expected}");
        }
        Ok(())
    }
}
