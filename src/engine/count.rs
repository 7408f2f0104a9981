//! Counts of one cell: compared, merged with what happened since they were made, and set; or dropped, when a newer one
//! was taken up. Each is one record: the correction, and the mark by which later ones are judged.

use std::collections::BTreeSet;

use super::adjust::{self, Physical, Prepared};
use super::change::Change;
use super::network::Network;
use super::turn::Turn;
use super::withdrawal::{Patience, Withdrawal};
use super::{Engine, Executed};
use crate::domain::command::SetOnHand;
use crate::domain::count::{CountMark, Dropped};
use crate::domain::event::{Answer, CountNoted, Event};
use crate::domain::limits::{AS_OF_AHEAD_MS, COUNT_SOURCES_MAX};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::stock::{CellKey, Level, MovementKind};
use crate::domain::time::{JournalTime, Now, WallTime};

impl Engine {
    pub(super) fn set_on_hand(&self, turn: &Turn<'_>, command: &SetOnHand) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let cell = adjust::cell_in_path(&network, &command.sku, &command.node)?;
        let mut patience = Patience::default();
        let numbered = command.source.as_deref().zip(command.source_seq);
        let asked = Observation { on_hand: command.on_hand, numbered, as_of: command.as_of };
        loop {
            let mut change = Change::lock(&network, &BTreeSet::from([cell.sku]));
            let now = turn.clocks();
            let Judged { observed_at, on_hand, since, difference, is_marked, dropped } =
                Judged::of(&network, &mut change, cell, &asked, "as_of", now)?;
            if dropped.is_some() {
                let level = change.levels_after(&[cell], &Withdrawal::nothing())[0].1;
                return Ok(Executed::done(Reply::Counted { cell, level, difference, dropped }, self.position()));
            }
            let noted = command.as_of.is_some() || numbered.is_some() || is_marked;
            // What was believed to be there is compared with what was there when it was counted.
            let there = i64::from(on_hand) - since;
            if let Some(expected) = command.expected
                && i64::from(expected) != there
            {
                let (sku, node) = (command.sku.to_string(), command.node.to_string());
                return Err(Rejection::StaleLevel { sku, node, on_hand: u32::try_from(there).unwrap_or(0), expected });
            }
            let counted = Physical::of(cell, difference, MovementKind::Counted);
            let Some(prepared) = self.prepare(now.journal, &network, change, &[counted], &mut patience)? else {
                continue;
            };
            let mark = noted.then(|| CountNoted {
                cell,
                source: command.source.clone(),
                source_seq: command.source_seq,
                observed_at,
                counted: command.on_hand,
                difference,
            });
            return self.log_count(turn, &network, prepared, (cell, difference), mark, now.journal);
        }
    }

    /// Logs a count with what it corrects.
    fn log_count<'n>(
        &self,
        turn: &Turn<'_>,
        network: &'n Network,
        (mut change, withdrawal, raising): Prepared<'n>,
        (cell, difference): (CellKey, i64),
        noted: Option<CountNoted>,
        now: JournalTime,
    ) -> Result<Executed, Rejection> {
        let level: Level = change.levels_after(&[cell], &withdrawal)[0].1;
        let reply = Reply::Counted { cell, level, difference, dropped: None };
        let mut events: Vec<Event> = noted.iter().cloned().map(|noted| Event::CountNoted(Box::new(noted))).collect();
        events.extend(change.events());
        events.extend(raising.events());
        if events.is_empty() {
            return Ok(Executed::done(reply, self.position()));
        }
        let sealed = turn.seal(now, network.catalogue.seq, events, Some(Answer::Counted(cell, level, difference)))?;
        let logged = turn.log_with(self, sealed, |at| {
            noted.iter().for_each(|noted| mark(&mut change, noted));
            change.apply(withdrawal, at)
        });
        raising.logged(&logged);
        let seq = logged.seq();
        let touched = logged.done();
        self.follow_up(turn, network, touched);
        Ok(Executed::done(reply, seq))
    }

    /// What the counts of a cell have told, for checks and tests.
    pub fn count_mark(&self, cell: CellKey) -> Option<CountMark> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let ledger = network.sku(cell.sku).ledger.lock();
        let past = ledger.past()?;
        past.is_marked(cell.node).then(|| past.mark(cell.node)).flatten()
    }
}

/// What somebody counted in a cell.
pub(super) struct Observation<'a> {
    pub on_hand: u32,
    /// Source, and its number.
    pub numbered: Option<(&'a str, u64)>,
    pub as_of: Option<WallTime>,
}

/// What a count means under the ledger of its sku.
pub(super) struct Judged {
    pub observed_at: JournalTime,
    /// Units there as far as is known.
    pub on_hand: u32,
    /// Units that came since, less those that left.
    pub since: i64,
    /// By how much what is on hand is to change.
    pub difference: i64,
    /// Whether the cell has a mark.
    pub is_marked: bool,
    pub dropped: Option<Dropped>,
}

impl Judged {
    /// Judges a count; `field` names its instant in the body. Needs the ledger.
    pub fn of(
        network: &Network,
        change: &mut Change<'_>,
        cell: CellKey,
        asked: &Observation<'_>,
        field: &str,
        now: Now,
    ) -> Result<Self, Rejection> {
        let observed_at = observed_at(network, asked.as_of, field, now)?;
        // What is refused makes no cell: it would be listed as if there had been something.
        let position = network.cell(cell).map(|_| change.ensure(cell));
        let ledger = change.ledger(cell.sku);
        let on_hand = position.map_or(0, |position| ledger.at(position).on_hand);
        let past = ledger.past();
        let mark = past.and_then(|past| past.mark(cell.node));
        let is_marked = past.is_some_and(|past| past.is_marked(cell.node));
        let since = past.map_or(0, |past| past.moved_since(cell.node, observed_at));
        let dropped = mark.as_ref().and_then(|mark| mark.drops(asked.numbered, observed_at));
        if dropped.is_some() {
            return Ok(Self { observed_at, on_hand, since, difference: 0, is_marked, dropped });
        }
        check_source(mark.as_ref(), asked.numbered)?;
        // More left since than was counted: the count was wrong, and nothing is there.
        let target = (i64::from(asked.on_hand) + since).max(0);
        Ok(Self { observed_at, on_hand, since, difference: target - i64::from(on_hand), is_marked, dropped })
    }
}

/// Marks what a logged count told. Needs the ledger.
pub(super) fn mark(change: &mut Change<'_>, noted: &CountNoted) {
    let node = noted.cell.node;
    let past = change.ledger(noted.cell.sku).past_mut();
    let before = past.is_marked(node).then(|| past.mark(node)).flatten();
    let mark = CountMark::fold(before, noted).expect("what is dropped is not logged");
    past.put_mark(node, mark);
}

/// The instant of a count on the journal's clock. A clock a little ahead of ours has counted now.
fn observed_at(network: &Network, as_of: Option<WallTime>, field: &str, now: Now) -> Result<JournalTime, Rejection> {
    let Some(as_of) = as_of else { return Ok(now.journal) };
    let ago = now.wall.0.saturating_sub(as_of.0);
    if ago < -AS_OF_AHEAD_MS {
        let detail = format!("is {} ms ahead of the clock here; {AS_OF_AHEAD_MS} are taken for now", -ago);
        return Err(Rejection::invalid(field, "as_of_in_future", detail));
    }
    let observed = JournalTime(now.journal.0.saturating_sub(ago.max(0)));
    let known_since = network.minutes.known_since(now.journal);
    if observed < known_since {
        let oldest = now.journal.0 - known_since.0;
        let detail = format!("is {ago} ms ago; what happened since is known for {oldest} ms: count again");
        return Err(Rejection::invalid(field, "as_of_too_old", detail));
    }
    Ok(observed)
}

fn check_source(mark: Option<&CountMark>, numbered: Option<(&str, u64)>) -> Result<(), Rejection> {
    match (mark, numbered) {
        (Some(mark), Some((source, _)))
            if mark.sources.len() >= COUNT_SOURCES_MAX && mark.last_of(source).is_none() =>
        {
            let detail = format!("at most {COUNT_SOURCES_MAX} sources number their counts of one cell");
            Err(Rejection::invalid("source", "too_many_sources", detail))
        }
        _ => Ok(()),
    }
}
