//! Over HTTP: bins, waves and their tasks, the rule they go by, and what is told of how well that goes.

use serde_json::{Value, json};

use crate::served::Served;

fn served(test: impl FnOnce(&Served)) {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    let node = json!({
        "kind": "warehouse", "name": "A warehouse", "latitude": 41.9, "longitude": -87.6, "country": "US",
        "postal_code": "60601", "time_zone": "America/Chicago", "active": true, "capabilities": ["cluster_picking"],
    });
    assert_eq!(server.ask("PUT", "/v1/nodes/chi", &node).status, 201);
    for sku in ["mug", "cup"] {
        let item = json!({
            "name": sku, "kind": "product", "weight_g": 350, "value": {"amount": 1250, "currency": "USD"},
            "dimensions_mm": {"length": 100, "width": 80, "height": 90},
        });
        assert_eq!(server.ask("PUT", &format!("/v1/items/{sku}"), &item).status, 201);
        let change = json!({"adjustments": [{"sku": sku, "node": "chi", "delta": 9, "reason": "received"}]});
        server.done("POST", "/v1/stock/adjustments", &change);
    }
    test(&server);
    server.stop();
}

/// An order its node has accepted; its fulfilment order.
fn accepted(server: &Served, id: &str) -> String {
    let price = json!({"amount": 1000, "currency": "USD"});
    let order = json!({
        "id": id, "type": "standard", "channel": "web", "channel_order_id": id,
        "customer": {"id": "c-1", "name": "Customer", "email": "customer@example.org"},
        "ship_to": {
            "name": "Customer", "line1": "1 Main St", "city": "Chicago", "region": "IL", "postal_code": "60601",
            "country": "US", "latitude": 41.8781, "longitude": -87.6298,
        },
        "lines": [{"sku": "mug", "quantity": 2, "unit_price": price}, {"id": "first", "sku": "cup", "quantity": 1, "unit_price": price}],
        "delivery_method": "ship",
    });
    let placed = server.done("POST", "/v1/orders", &order);
    let fulfillment = placed["fulfillment_orders"][0]["id"].as_str().expect("an id").to_owned();
    server.done("POST", &format!("/v1/fulfillment-orders/{fulfillment}/accept"), &json!({}));
    fulfillment
}

#[test]
fn a_wave_is_planned_released_and_picked_and_the_efficiency_is_told() {
    served(|server| {
        let bins = json!({"bins": [
            {"sku": "mug", "bin": "B-2", "zone": "B", "aisle": 2, "at_m": 10}, {"sku": "cup", "bin": "A-1", "aisle": 0},
        ]});
        server.done("PUT", "/v1/nodes/chi/bins", &bins);
        let listed = server.get("/v1/nodes/chi/bins?limit=1").json();
        assert_eq!((&listed["items"][0]["bin"], &listed["next_cursor"]), (&json!("B-2"), &json!("1")));
        let rule = json!({"node": "chi", "cluster_from_lines": 3, "aisle_gap_m": 5});
        let put = server.done("PUT", "/v1/picking-rule", &rule);
        assert_eq!((&put["about"], &put["picking"]["cluster_from_lines"]), (&json!("picking"), &json!(3)));

        let orders = [accepted(server, "order-1"), accepted(server, "order-2")];
        let planned = server.done("POST", "/v1/waves", &json!({"id": "w1", "node": "chi"}));
        assert_eq!(planned["fulfillment_orders"], json!(orders));
        assert_eq!(
            (&planned["status"], &planned["method"], &planned["cutoff"]),
            (&json!("draft"), &Value::Null, &Value::Null)
        );
        let released = server.done("POST", "/v1/waves/w1/release", &json!({}));
        assert_eq!((&released["status"], &released["method"]), (&json!("released"), &json!("cluster_picking")));
        let tasks = released["tasks"].as_array().expect("a list");
        assert_eq!((tasks.len(), &tasks[0]["metres"]), (1, &json!(2 * (2 * 5 + 10))));
        let bins: Vec<_> = tasks[0]["picks"].as_array().expect("a list").iter().map(|pick| &pick["bin"]).collect();
        assert_eq!(bins, ["A-1", "A-1", "B-2", "B-2"]);
        let lines: Vec<_> = tasks[0]["picks"].as_array().expect("a list").iter().map(|pick| &pick["line"]).collect();
        assert_eq!(lines, ["first", "first", "1", "1"], "their ids, given or counted");
        assert_eq!(server.get("/v1/waves/w1").json()["tasks"], released["tasks"]);
        assert_eq!(server.get("/v1/waves").json()["items"][0]["tasks"], released["tasks"]);
        let rows = |path: &str| -> Vec<String> {
            let printed = crate::http_papers::read(&server.get(path));
            let bins = |line: &&String| ["A-1", "B-2", "cup", "mug"].contains(&&***line);
            printed.iter().filter(bins).cloned().collect()
        };
        let own = rows(&format!("/v1/fulfillment-orders/{}/pick_list", orders[0]));
        assert_eq!(own[..2], ["A-1", "cup"], "in walking order: {own:?}");
        assert!(own[2..].starts_with(&["cup".into(), "B-2".into(), "mug".into()]), "its name, and the next: {own:?}");
        let of_task = rows("/v1/waves/w1/tasks/1/pick_list");
        let in_bins: Vec<&str> = of_task.iter().map(|line| &**line).filter(|line| line.contains('-')).collect();
        assert_eq!(in_bins, ["A-1", "A-1", "B-2", "B-2"]);
        assert_eq!(server.get("/v1/waves/w1/tasks/2/pick_list").status, 404);
        assert_eq!(server.get("/v1/waves/w2/tasks/1/pick_list").status, 404);

        let refused = server.ask("POST", "/v1/waves/w1/tasks/1/done", &json!({}));
        assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("illegal_transition")));
        assert_eq!((&refused.json()["task_status"], &refused.json()["legal"]), (&json!("pending"), &json!(["assign"])));
        assert_eq!(server.ask("POST", "/v1/waves/w1/tasks/2/start", &json!({})).status, 404);
        server.done("POST", "/v1/waves/w1/tasks/1/assign", &json!({"picker": "ann"}));
        server.done("POST", "/v1/waves/w1/tasks/1/start", &json!({}));
        let short = json!({"pick": 2, "quantity": 1, "reason": "damaged"});
        server.done("POST", "/v1/waves/w1/tasks/1/short", &short);
        let done = server.done("POST", "/v1/waves/w1/tasks/1/done", &json!({}));
        assert_eq!((&done["status"], &done["tasks"][0]["status"]), (&json!("completed"), &json!("short")));
        assert_eq!(
            (&done["tasks"][0]["picks"][2]["picked"], &done["tasks"][0]["picks"][2]["short"]),
            (&json!(1), &json!(1))
        );
        let level = server.get("/v1/stock/mug").json();
        assert_eq!(level["total"]["damaged"], 1);
        let ended = crate::http_papers::read(&server.get("/v1/waves/w1/tasks/1/pick_list"));
        assert!(ended.contains(&"Nothing is left to pick".to_owned()), "{ended:?}");

        let told = server.get("/v1/picking-efficiency?node=chi").json();
        let row = &told["items"][0];
        assert_eq!((&row["method"], &row["units"], &row["short"]), (&json!("cluster_picking"), &json!(5), &json!(1)));
        assert_eq!(
            (&row["metres"], &row["discrete_metres"], &row["metres_per_unit"]),
            (&json!(40), &json!(80), &json!(8.0))
        );
        let none = server.get("/v1/picking-efficiency?node=nowhere").json();
        assert_eq!(none["items"], json!([]));
        let listed = server.get("/v1/waves?node=chi&status=completed").json();
        assert_eq!(listed["items"][0]["id"], "w1");
        assert_eq!(server.get("/v1/waves/w1").json(), listed["items"][0]);
        let empty = server.ask("POST", "/v1/waves", &json!({"node": "chi"}));
        assert_eq!((empty.status, &empty.json()["code"]), (409, &json!("nothing_to_pick")));
    });
}

#[test]
fn a_task_fetches_nothing_for_an_order_that_was_cancelled_or_picked_by_itself() {
    served(|server| {
        let orders = ["order-1", "order-2", "order-3"].map(|id| accepted(server, id));
        server.done("PUT", "/v1/picking-rule", &json!({"node": "chi", "method": "cluster_picking"}));
        server.done("POST", "/v1/waves", &json!({"id": "w1", "node": "chi"}));
        server.done("POST", "/v1/waves/w1/release", &json!({}));
        let printed = || {
            let paper = crate::http_papers::read(&server.get("/v1/waves/w1/tasks/1/pick_list"));
            ["mug", "cup"].map(|sku| paper.iter().filter(|word| *word == sku).count())
        };
        assert_eq!(printed(), [6, 6], "its sku and its name, for each order");
        server.done("POST", "/v1/orders/order-1/cancellations", &json!({"reason": "not wanted"}));
        assert_eq!(printed(), [4, 4], "nobody wants those any more");
        server.done("POST", &format!("/v1/fulfillment-orders/{}/pick", orders[1]), &json!({}));
        assert_eq!(printed(), [2, 2], "those are fetched already");
    });
}
