//! The versions of one name, which of them is active, and which will be.
//!
//! Promises: versions are numbered without a gap and never change; activating one retires the one before and calls off what
//! was planned. Bound: `RULE_VERSIONS_MAX`. The version that a directory is founded with lies elsewhere (`rule_set`):
//! numbers begin after it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{RuleTerms, VersionState};
use crate::domain::hold::ReleaseAt;
use crate::domain::ids::Text;
use crate::domain::stock::LawBroken;

/// What happened to the versions of a name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RuleSetEvent {
    /// A version was put.
    Drafted {
        /// Its number.
        version: u32,
        /// What it says.
        terms: Arc<RuleTerms>,
    },
    /// A version applies from here on.
    Activated {
        /// Its number.
        version: u32,
    },
    /// A version is to be activated.
    Planned {
        /// Its number.
        version: u32,
        /// When.
        at: ReleaseAt,
    },
}

/// A version that is to be activated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Planned {
    /// Its number.
    pub version: u32,
    /// When.
    pub at: ReleaseAt,
}

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleVersions {
    /// Number of the first of `versions`: 1, or 2 where the directory was founded with a version 1.
    pub first: u32,
    /// What each says.
    pub versions: Vec<Arc<RuleTerms>>,
    /// The one that applies; that of the founding, where there is one, when `None`.
    pub active: Option<u32>,
    /// Those that applied before, ascending.
    pub retired: Vec<u32>,
    /// The record that activated it; 0 when none did.
    pub activated_seq: u64,
    /// The one that will apply.
    pub planned: Option<Planned>,
}

impl RuleVersions {
    /// The next state; `seq` is that of the record.
    pub fn fold(before: Option<Self>, name: &Text, seq: u64, event: &RuleSetEvent) -> Result<Self, LawBroken> {
        let Some(mut known) = before else { return Self::begun(name, event) };
        match event {
            RuleSetEvent::Drafted { version, terms } => {
                if *version != known.next() {
                    return Err(LawBroken(format!(
                        "version {version} of rule set {name} follows {}",
                        known.next() - 1
                    )));
                }
                known.versions.push(terms.clone());
            }
            RuleSetEvent::Activated { version } => {
                known.check(name, *version)?;
                known.activate(*version, seq);
            }
            RuleSetEvent::Planned { version, at } => {
                known.check(name, *version)?;
                known.planned = Some(Planned { version: *version, at: *at });
            }
        }
        Ok(known)
    }

    fn begun(name: &Text, event: &RuleSetEvent) -> Result<Self, LawBroken> {
        match event {
            RuleSetEvent::Drafted { version: first @ 1..=2, terms } => Ok(Self {
                first: *first,
                versions: vec![terms.clone()],
                active: None,
                retired: Vec::new(),
                activated_seq: 0,
                planned: None,
            }),
            other => Err(LawBroken(format!("{other:?} begins rule set {name}"))),
        }
    }

    fn check(&self, name: &Text, version: u32) -> Result<(), LawBroken> {
        if (1..self.next()).contains(&version) {
            return Ok(());
        }
        Err(LawBroken(format!("rule set {name} has no version {version}")))
    }

    fn activate(&mut self, version: u32, seq: u64) {
        let before = self.active.or((self.first > 1).then_some(1));
        if let Some(before) = before.filter(|before| *before != version)
            && let Err(at) = self.retired.binary_search(&before)
        {
            self.retired.insert(at, before);
        }
        self.retired.retain(|retired| *retired != version);
        self.active = Some(version);
        self.activated_seq = seq;
        self.planned = None;
    }

    /// Number of the version that is put next.
    pub fn next(&self) -> u32 {
        u32::try_from(self.versions.len()).map_or(u32::MAX, |count| self.first.saturating_add(count))
    }

    /// What a version says; `None` for one that lies elsewhere or does not exist.
    pub fn terms(&self, version: u32) -> Option<&Arc<RuleTerms>> {
        self.versions.get(version.checked_sub(self.first)? as usize)
    }

    /// How far a version is.
    pub fn state_of(&self, version: u32) -> VersionState {
        let founded = version < self.first && self.active.is_none();
        match () {
            () if founded || self.active == Some(version) => VersionState::Active,
            () if self.retired.binary_search(&version).is_ok() => VersionState::Retired,
            () => VersionState::Draft,
        }
    }
}
