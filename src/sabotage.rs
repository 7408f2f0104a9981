//! Planted bugs: the proof that the harness can see.
//!
//! A test that has never failed proves little. So the code carries a list of bugs that can be planted by name when the
//! process starts (`ORDAIN_SABOTAGE=no-fdatasync`), each at the place where a careless change would make it, and a test
//! plants each one and requires the harness named beside it to fail within its usual budget (`proof/sabotage.rs`).
//!
//! Only test builds carry them: in every other build [`planted`] is the constant `false` and the compiler removes the
//! branch. What is *not* here: who must catch which bug.

/// A bug that can be planted, named after what it does.
#[cfg_attr(not(test), allow(dead_code, reason = "each is planted in test builds only"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// The store is flushed and not synced.
    NoFdatasync,
    /// A record is told to be durable before it was synced.
    AckBeforeSync,
    /// A record gets the number of the one before.
    ReuseSequence,
    /// The time that decides is the wall clock's.
    WallExpiry,
    /// Replay passes over events of one kind.
    DropEventKind,
    /// What a give leaves to the queue is not handed out.
    LostFollowUp,
    /// A cancelled unit is given back twice.
    BucketTwice,
    /// An extended reservation is due at its new end only when asked for by the clock, not by a take.
    UnregisteredExtension,
    /// A key that was used is not remembered by the process that used it.
    ForgottenKey,
    /// A failed sync is tried again.
    SyncAgain,
    /// A snapshot leaves out an entity that nothing touched since the last.
    SnapshotLoses,
    /// A start takes any wall clock.
    AnyClock,
    /// A waiter leaves its waker without looking once more.
    LostWakeUp,
}

impl Bug {
    /// Every bug and the name it is planted by.
    #[cfg(test)]
    pub(crate) const ALL: &[(Bug, &str)] = &[
        (Bug::NoFdatasync, "no-fdatasync"),
        (Bug::AckBeforeSync, "ack-before-sync"),
        (Bug::ReuseSequence, "reuse-sequence"),
        (Bug::WallExpiry, "wall-expiry"),
        (Bug::DropEventKind, "drop-event-kind"),
        (Bug::LostFollowUp, "lost-follow-up"),
        (Bug::BucketTwice, "bucket-twice"),
        (Bug::UnregisteredExtension, "unregistered-extension"),
        (Bug::ForgottenKey, "forgotten-key"),
        (Bug::SyncAgain, "sync-again"),
        (Bug::SnapshotLoses, "snapshot-loses"),
        (Bug::AnyClock, "any-clock"),
        (Bug::LostWakeUp, "lost-wake-up"),
    ];
}

/// Whether this process was started with that bug.
#[cfg(test)]
pub(crate) fn planted(bug: Bug) -> bool {
    use std::sync::OnceLock;
    static PLANTED: OnceLock<Option<Bug>> = OnceLock::new();
    *PLANTED.get_or_init(|| {
        let name = std::env::var("ORDAIN_SABOTAGE").ok()?;
        let found = Bug::ALL.iter().find(|(_, known)| *known == name);
        Some(found.unwrap_or_else(|| panic!("no bug is named {name}")).0)
    }) == Some(bug)
}

/// Whether this process was started with that bug: never, in a build that is not a test.
#[cfg(not(test))]
#[inline(always)]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}
