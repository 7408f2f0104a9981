//! What happened to waves and bins, as the live feed and the dump of a journal tell it.

use serde_json::{Value, json};

use super::event::{Names, name};
use super::picking::BinJson;
use super::scalar::Instant;
use crate::domain::event::{BinPut, PickedNoted, WaveChanged};
use crate::domain::picking::{Pick, Tour};
use crate::domain::wave::WaveEvent;

/// One event. Tasks are numbered from 1, entries of a pick list from 0.
pub(super) fn changed(changed: &WaveChanged, names: &impl Names) -> Value {
    let (kind, mut facts) = match &changed.event {
        WaveEvent::Planned { id, node, cutoff, fulfillments, .. } => (
            "wave_planned",
            json!({
                "caller_id": id, "node": names.node(*node), "cutoff": cutoff.map(Instant::from),
                "fulfillment_orders": fulfillments.iter().map(ToString::to_string).collect::<Vec<_>>(),
            }),
        ),
        WaveEvent::Released { method, tours } => {
            let tasks: Vec<_> = tours.iter().map(|tour| self::tour(tour, names)).collect();
            ("wave_released", json!({"method": method.word(), "tasks": tasks}))
        }
        WaveEvent::Assigned { task, picker } => ("task_assigned", json!({"task": task, "picker": picker})),
        WaveEvent::Started { task } => ("task_started", json!({"task": task})),
        WaveEvent::Shorted { task, pick, units, reason } => {
            ("task_shorted", json!({"task": task, "pick": pick, "quantity": units, "reason": reason.word()}))
        }
        WaveEvent::Done { task, picked } => ("task_done", json!({"task": task, "picked": picked})),
        WaveEvent::Cancelled { reason } => ("wave_cancelled", json!({"reason": reason})),
    };
    name(&mut facts, kind, "wave", changed.key.to_string(), changed.version);
    facts
}

fn tour(tour: &Tour, names: &impl Names) -> Value {
    let pick = |pick: &Pick| {
        json!({
            "bin": pick.bin, "sku": names.sku(pick.sku), "quantity": pick.units,
            "fulfillment_order": pick.fulfillment.to_string(), "line": pick.line,
        })
    };
    json!({
        "zone": tour.zone, "metres": tour.metres, "discrete_metres": tour.alone_metres,
        "picks": tour.picks.iter().map(pick).collect::<Vec<_>>(),
    })
}

pub(super) fn bin_put(put: &BinPut, names: &impl Names) -> Value {
    let mut facts = json!(BinJson::of(put.cell.sku, put.place.as_ref(), names));
    facts["type"] = "bin_put".into();
    facts["node"] = names.node(put.cell.node).into();
    facts
}

pub(super) fn picked_noted(noted: &PickedNoted, names: &impl Names) -> Value {
    let (key, picked) = (&noted.key, &noted.picked);
    json!({
        "type": "picked_noted", "node": names.node(key.node), "method": key.method.word(), "day": key.day,
        "tasks": picked.tasks, "entries": picked.entries, "units": picked.units, "short": picked.short,
        "metres": picked.metres, "discrete_metres": picked.alone_metres, "ms": picked.ms,
    })
}
