//! Planted bugs: the proof that the harness can see.
//!
//! A test that has never failed proves little. So the code carries a list of bugs that can be planted by name when the
//! process starts (`ORDAIN_SABOTAGE=no-fdatasync`), and a test plants each one and requires the harness named beside it to
//! fail within its usual budget, for the reason named there (`proof/sabotage.rs`).
//!
//! Most are planted in the engine and the journal, at the place where a careless change would make them. Fourteen are bugs
//! in an order of steps that cannot be turned round in the engine by a word, and stand in the exhaustive search's own copy
//! of that order (`proof/search`): what they prove is that the search can see, not that the engine follows the order. A few
//! stand in both, and a thread then stops for a moment where the engine's window is short.
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
    /// The record of a batch leaves out what its last cell loses.
    BatchLosesCell,
    /// The record of a batch leaves out the keys of its reservations.
    BatchLosesKeys,
    /// One of a batch that is refused keeps what it had chosen.
    BatchRefusedKeeps,
    /// The answers of a batch stand at one another's places.
    BatchMisplaces,
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
    /// A take stores without comparing.
    SkipCompare,
    /// A give does not publish what was written before it.
    RelaxedGive,
    /// Units become free before the record that gives them is appended.
    GiveBeforeLog,
    /// Records wait in a buffer of the thread that made them.
    AppendBuffered,
    /// A withdrawal of several words does not mark what it took.
    NoInFlight,
    /// Words are taken in the order the caller named them.
    NoOrdering,
    /// A give looks at shortfall and queue without the ledger.
    GiveBlind,
    /// Expiry looks at the reservation without its lock.
    ExpireUnlocked,
    /// A give reads "nobody waits" before its ledger, and looks again only after it gave.
    QueueFlag,
    /// Demand joins the queue without looking at the words again.
    JoinWithoutLook,
    /// Demand joins the queue beside units in flight.
    JoinIgnoresMarks,
    /// A correction owes what is only in flight.
    LossIgnoresMarks,
    /// A correction looks at the two halves of a word one after the other.
    LossLooksTwice,
    /// A ledger is awaited with units in flight.
    LedgerAfterMarks,
    /// A refusal looks at what is due after the word and not before it.
    DueAfterWord,
    /// A reservation enters the due index after its record.
    DueAfterAppend,
    /// Units become free before the ledger knows that the demand is gone.
    CountersAfterWords,
    /// An unmarked take is given back without the ledger.
    PanicWithoutLedger,
    /// A claim is judged by the time of its record.
    ClaimTimedByAppend,
    /// Channel limits are two words instead of one record.
    HeadroomWords,
    /// The same, and the headroom is marked only with what it lost.
    HeadroomMarksLoss,
    /// A correction clears its mark at the channel limits before it returns the rest.
    LossClearsFirst,
    /// Units that come back are not counted back at the channel limits.
    LimitsKeptAtExpiry,
    /// A take looks at no other channel's floor.
    FloorIgnored,
    /// What comes is set aside for who waits beyond what the limits let him have.
    PoolPastLimits,
    /// A draft that is let go keeps the units it holds.
    DraftKeepsUnits,
    /// Units are held for a draft longer than it lasts.
    HoldOutlivesDraft,
    /// A draft that was changed since it was read is placed as it was read.
    DraftPlacedStale,
    /// A shipment that is no work any more tells nobody who waits for its place.
    RoomUntold,
    /// Who waits for room again does not look whether there is some by then.
    RoomWakeUpLost,
    /// What was bought on a day is not counted against what may be bought.
    PurchaseUncounted,
    /// A reservation that changes hands stays whose it was.
    OwnerKept,
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
        (Bug::BatchLosesCell, "batch-loses-cell"),
        (Bug::BatchLosesKeys, "batch-loses-keys"),
        (Bug::BatchRefusedKeeps, "batch-refused-keeps"),
        (Bug::BatchMisplaces, "batch-misplaces"),
        (Bug::BucketTwice, "bucket-twice"),
        (Bug::UnregisteredExtension, "unregistered-extension"),
        (Bug::ForgottenKey, "forgotten-key"),
        (Bug::SyncAgain, "sync-again"),
        (Bug::SnapshotLoses, "snapshot-loses"),
        (Bug::AnyClock, "any-clock"),
        (Bug::LostWakeUp, "lost-wake-up"),
        (Bug::SkipCompare, "skip-compare"),
        (Bug::RelaxedGive, "relaxed-give"),
        (Bug::GiveBeforeLog, "give-before-log"),
        (Bug::AppendBuffered, "append-buffered"),
        (Bug::NoInFlight, "no-in-flight"),
        (Bug::NoOrdering, "no-ordering"),
        (Bug::GiveBlind, "give-blind"),
        (Bug::ExpireUnlocked, "expire-unlocked"),
        (Bug::QueueFlag, "queue-flag"),
        (Bug::JoinWithoutLook, "join-without-look"),
        (Bug::JoinIgnoresMarks, "join-ignores-marks"),
        (Bug::LossIgnoresMarks, "loss-ignores-marks"),
        (Bug::LossLooksTwice, "loss-looks-twice"),
        (Bug::LedgerAfterMarks, "ledger-after-marks"),
        (Bug::DueAfterWord, "due-after-word"),
        (Bug::DueAfterAppend, "due-after-append"),
        (Bug::CountersAfterWords, "counters-after-words"),
        (Bug::PanicWithoutLedger, "panic-without-ledger"),
        (Bug::ClaimTimedByAppend, "claim-timed-by-append"),
        (Bug::HeadroomWords, "headroom-words"),
        (Bug::HeadroomMarksLoss, "headroom-marks-loss"),
        (Bug::LossClearsFirst, "loss-clears-first"),
        (Bug::LimitsKeptAtExpiry, "limits-kept-at-expiry"),
        (Bug::FloorIgnored, "floor-ignored"),
        (Bug::PoolPastLimits, "pool-past-limits"),
        (Bug::DraftKeepsUnits, "draft-keeps-units"),
        (Bug::HoldOutlivesDraft, "hold-outlives-draft"),
        (Bug::DraftPlacedStale, "draft-placed-stale"),
        (Bug::RoomUntold, "room-untold"),
        (Bug::RoomWakeUpLost, "room-wake-up-lost"),
        (Bug::PurchaseUncounted, "purchase-uncounted"),
        (Bug::OwnerKept, "owner-kept"),
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
