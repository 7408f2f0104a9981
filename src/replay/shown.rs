//! A replay as JSON.

use super::target::{Found, Measure};
use super::{Replayed, Stop};
use crate::api::replay::{
    FoundMeasure, FoundRules, ReplayDifference, ReplayFault, ReplayFigures, ReplayJson, ReplayProblem, ReplayShipment,
};
use crate::api::rule_set::RuleSetPut;
use crate::api::words::MeasureWord;
use crate::domain::money::{Currency, Money};
use crate::domain::rejection::Fault;
use crate::engine::whatif::{Difference, Figures};

/// What came of it.
pub fn shown(replayed: &Replayed) -> ReplayJson {
    let Replayed { comparison, found, currency } = replayed;
    ReplayJson {
        records: comparison.records,
        orders: comparison.orders,
        decided: comparison.decided,
        unpriced: comparison.unpriced,
        not_concerned: comparison.not_concerned,
        same: comparison.same,
        followed: comparison.followed,
        owed: comparison.owed,
        before: figures(&comparison.before, *currency),
        after: figures(&comparison.after, *currency),
        differences: comparison.differences.iter().map(difference).collect(),
        found: found.as_ref().map(rules),
    }
}

/// Sums over plans.
pub fn figures(figures: &Figures, currency: Currency) -> ReplayFigures {
    let money = |amount| Money { amount, currency }.into();
    ReplayFigures {
        orders: figures.orders,
        shipments: figures.shipments,
        splits: figures.splits,
        units: figures.units,
        unfilled: figures.unfilled,
        waiting: figures.waiting,
        cost: money(figures.cost),
        weighed: money(figures.weighed),
        distance_km: figures.metres.saturating_add(500) / 1_000,
        carbon_kg: figures.carbon_g.saturating_add(500) / 1_000,
        days: figures.days,
        dated: figures.dated,
    }
}

fn difference(difference: &Difference) -> ReplayDifference {
    let told = |legs: &[(String, u64)]| {
        legs.iter().map(|(node, units)| ReplayShipment { node: node.clone(), units: *units }).collect()
    };
    ReplayDifference {
        order: difference.order.clone(),
        before: told(&difference.before),
        after: told(&difference.after),
        unfilled_before: difference.unfilled_before,
        unfilled_after: difference.unfilled_after,
    }
}

fn rules(found: &Found) -> FoundRules {
    let measures = found.measures.iter();
    FoundRules {
        reached: found.reached,
        tried: found.tried,
        rules: RuleSetPut::of(&found.terms),
        measures: measures.map(|(aim, change)| FoundMeasure::of(word_of(aim.measure), aim.percent, *change)).collect(),
    }
}

fn word_of(measure: Measure) -> MeasureWord {
    match measure {
        Measure::Time => MeasureWord::Time,
        Measure::Cost => MeasureWord::Cost,
        Measure::Shipments => MeasureWord::Shipments,
        Measure::Splits => MeasureWord::Splits,
        Measure::Distance => MeasureWord::Distance,
        Measure::Carbon => MeasureWord::Carbon,
        Measure::Unfilled => MeasureWord::Unfilled,
    }
}

/// Why it broke off.
pub fn problem(stop: &Stop) -> ReplayProblem {
    let (code, faults): (_, &[Fault]) = match stop {
        Stop::Faults(faults) => ("validation_failed", faults),
        Stop::Nothing => ("not_found", &[]),
        Stop::Unwanted => ("stopping", &[]),
        Stop::Tail(_) => ("events_gone", &[]),
        Stop::Directory(_) | Stop::Damaged(_) | Stop::Snapshot(_) => ("internal_error", &[]),
    };
    let told = |fault: &Fault| ReplayFault {
        field: fault.field.clone(),
        code: fault.code.to_owned(),
        detail: fault.detail.to_string(),
    };
    ReplayProblem { code: code.to_owned(), detail: stop.to_string(), errors: faults.iter().map(told).collect() }
}
