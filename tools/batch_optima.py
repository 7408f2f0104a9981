#!/usr/bin/env python3
"""What HiGHS proves of batches of 200 orders (family F2-S); part of the long run, never of CI.

    python3 -m venv venv && venv/bin/pip install highspy
    ORDAIN_KERNEL_PRINT=1 cargo test --release --lib batches_are_printed_for_the_solver_when_it_asks -- --nocapture \
        | grep '^{' >batches.jsonl
    venv/bin/python tools/batch_optima.py batches.jsonl [seconds] >src/domain/sourcing/batch/tests/bounds.txt

For each instance: its number, the proven lower bound (rounded up: costs are whole cents) and the best plans found. The
model is written down from its own description: order o has y = 1 for a parcel from node i, in one bracket b (z), with x
units of line l, n units of a line left; orders share the stock A of a node and sku.

  min  sum (h_i + split) y + sum T_oib z + sum u_i x - split t_o + sum (f n + F v)
  s.t. sum_i x + n = q     x <= a y     sum_b z = y     sum_l w_l x <= sum_b U_b z     t_o <= sum_i y     n <= q v
       sum_o x <= A
"""
import json
import math
import sys

import highspy
import numpy as np

INF = highspy.kHighsInf


class Model:
    def __init__(self):
        self.cost, self.upper, self.rows = [], [], []

    def var(self, cost=0.0, upper=1):
        self.cost.append(float(cost))
        self.upper.append(float(upper))
        return len(self.cost) - 1

    def row(self, terms, low=-INF, high=INF):
        self.rows.append((terms, float(low), float(high)))

    def solve(self, seconds):
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.cost), len(self.rows)
        lp.col_cost_, lp.col_lower_ = np.array(self.cost), np.zeros(len(self.cost))
        lp.col_upper_ = np.array(self.upper)
        lp.row_lower_ = np.array([low for _, low, _ in self.rows])
        lp.row_upper_ = np.array([high for _, _, high in self.rows])
        start, index, value = [0], [], []
        for terms, _, _ in self.rows:
            index.extend(col for col, _ in terms)
            value.extend(float(of) for _, of in terms)
            start.append(len(index))
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = np.array(start), np.array(index)
        lp.a_matrix_.value_ = np.array(value)
        lp.integrality_ = [highspy.HighsVarType.kInteger] * len(self.cost)
        solver = highspy.Highs()
        for name, setting in [("output_flag", False), ("mip_rel_gap", 1e-4), ("time_limit", seconds), ("threads", 2)]:
            solver.setOptionValue(name, setting)
        solver.passModel(lp)
        solver.run()
        info = solver.getInfo()
        return info.mip_dual_bound, info.objective_function_value


def write(batch):
    m, skus, centres, split = Model(), batch["skus"], batch["centres"], batch["split"]
    stock, of_cell = batch["stock"], [[] for _ in batch["stock"]]
    for order in batch["orders"]:
        lines, sent = order["lines"], []
        taken = [[] for _ in lines]
        for node, table in enumerate(order["tables"]):
            caps = [min(units, stock[node * skus + sku]) for sku, units, *_ in lines]
            if not any(caps):
                continue
            handling, unit = (120, 25) if node < centres else (280, 70)
            y = m.var(handling + split)
            sent.append(y)
            load = []
            for at, (sku, _, grams, _, _) in enumerate(lines):
                if caps[at]:
                    x = m.var(unit, caps[at])
                    m.row([(x, 1), (y, -caps[at])], high=0)
                    taken[at].append((x, 1))
                    of_cell[node * skus + sku].append((x, 1))
                    load.append((x, grams))
            z = [m.var(cost) for cost in table]
            m.row([(col, 1) for col in z] + [(y, -1)], 0, 0)
            up_to = [(col, -((at + 1) * batch["pound_dg"] // 10)) for at, col in enumerate(z)]
            m.row(load + up_to, high=0)
        for at, (_, units, _, per_line, per_unit) in enumerate(lines):
            n, v = m.var(per_unit, units), m.var(per_line)
            m.row(taken[at] + [(n, 1)], units, units)
            m.row([(n, 1), (v, -units)], high=0)
        if sent:
            m.row([(m.var(-split), 1)] + [(y, -1) for y in sent], high=0)
    for cell, terms in enumerate(of_cell):
        if sum(m.upper[x] for x, _ in terms) > stock[cell]:
            m.row(terms, high=stock[cell])
    return m


seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 300.0
print("# instance, proven bound, best known: cents (tools/batch_optima.py)")
for line in open(sys.argv[1]):
    batch = json.loads(line)
    bound, best = write(batch).solve(seconds)
    print(batch["instance"], math.ceil(bound - 1e-6), round(best), flush=True)
