"""Programs as XLA writes them, cut short: bytes, padding, moves, loops and what devices send."""

import pytest

from benchmarks import ahead
from benchmarks.program_text import Program, Traffic

TPU = """HloModule jit_step, entry_computation_layout={(f32[3,5]{1,0})->f32[3,5]{1,0}}

%fused_add (p: f32[3,5]) -> f32[3,5] {
  %p = f32[3,5]{1,0:T(4,128)} parameter(0)
  ROOT %add = f32[3,5]{1,0:T(4,128)} add(%p, %p)
}

%fused_relaid (p.1: f32[3,5]) -> f32[5,3] {
  %p.1 = f32[3,5]{1,0:T(4,128)} parameter(0)
  ROOT %turned = f32[5,3]{1,0:T(8,128)} transpose(%p.1), dimensions={1,0}
}

%body (carried: (f32[3,5])) -> (f32[3,5]) {
  %carried = (f32[3,5]{1,0:T(4,128)}) parameter(0)
  %one = f32[3,5]{1,0:T(4,128)} get-tuple-element(%carried), index=0
  %sent = f32[3,5]{1,0:T(4,128)} all-reduce(%one), channel_id=2, replica_groups=[2,4]<=[8], to_apply=%region
  ROOT %again = (f32[3,5]{1,0:T(4,128)}) tuple(%sent)
}

%condition (carried.1: (f32[3,5])) -> pred[] {
  %carried.1 = (f32[3,5]{1,0:T(4,128)}) parameter(0)
  ROOT %more = pred[]{:T(512)S(6)} constant(true)
}

ENTRY %main (a: f32[3,5], b: bf16[30,7]) -> f32[5,3] {
  %a = f32[3,5]{1,0:T(4,128)} parameter(0)
  %b = bf16[30,7]{0,1:T(8,128)(2,1)} parameter(1)
  %near = (f32[3,5]{1,0:T(4,128)S(1)}, f32[3,5]{1,0:T(4,128)}, u32[]{:S(2)}) copy-start(%a)
  %there = f32[3,5]{1,0:T(4,128)S(1)} copy-done(%near)
  %sum = f32[3,5]{1,0:T(4,128)} fusion(%there), kind=kLoop, calls=%fused_add
  %other = bf16[30,7]{1,0:T(8,128)(2,1)} copy(%b), backend_config={"window":"x"}
  %packed = (f32[3,5]{1,0:T(4,128)}) tuple(%sum)
  %loop = (f32[3,5]{1,0:T(4,128)}) while(%packed), condition=%condition, body=%body, \
backend_config={"known_trip_count":{"n":"3"}}
  %last = f32[3,5]{1,0:T(4,128)} get-tuple-element(%loop), index=0
  ROOT %relaid = f32[5,3]{1,0:T(8,128)} fusion(%last), kind=kLoop, calls=%fused_relaid
}
"""


def test_bytes_of_a_step():
    program = Program(TPU)
    small, tile = 3 * 5 * 4, 4 * 128 * 4  # 3 x 5 fills a tile of 4 x 128
    across, along = 8 * 128 * 2, 32 * 128 * 2  # bfloat16: 7 x 30 in one tile, 30 x 7 in four
    prefetch = Traffic(1, small, tile)  # what comes from HBM; the copy on the chip takes nothing
    added = Traffic(1, small, tile)
    copied = Traffic(1, 2 * 30 * 7 * 2, across + along, across + along, 1)
    turns = Traffic(1, 2 * small, 2 * tile).times(3)
    relaid = Traffic(1, 2 * small, tile + 8 * 128 * 4, tile + 8 * 128 * 4, 1)
    assert program.traffic() == prefetch + added + copied + turns + relaid


def test_kinds_of_instructions():
    assert Program(TPU).kinds() == {"copy-start": 1, "copy-done": 1, "fusion": 2, "copy": 1, "while": 1}


def test_a_collective_counts_as_often_as_its_loop_turns():
    (sent,) = Program(TPU).collectives()
    assert (sent.kind, sent.bytes, sent.devices, sent.times) == ("all-reduce", 60, 4, 3)


@pytest.mark.parametrize(
    ("groups", "devices"),
    [
        ("replica_groups={{0,1,2},{3,4,5}}", 3),
        ("replica_groups=[4,2]<=[8]", 2),
        ("replica_groups=mesh['axis_0'=4,'axis_1'=2,'axis_2'=1] {'axis_1'}", 2),
        ("source_target_pairs={{0,1},{1,0}}", 2),
    ],
)
def test_sources_of_what_was_combined(groups, devices):
    program = f"""
ENTRY %main (a: f32[2], b: bf16[8]) -> f32[2] {{
  %a = f32[2]{{0}} parameter(0)
  %b = bf16[8]{{0}} parameter(1)
  %both = (f32[2]{{0}}, bf16[8]{{0}}) all-reduce(%a, %b), channel_id=1, {groups}, to_apply=%sum, \
metadata={{op_name="jit(train_step)/vmap(jvp(DSTANet))/input_map/norm/reduce_sum"}}
  %first = f32[2]{{0}} get-tuple-element(%both), index=0, \
metadata={{op_name="jit(train_step)/vmap(jvp(DSTANet))/input_map/norm/reduce_sum"}}
  %second = bf16[8]{{0}} get-tuple-element(%both), index=1, \
metadata={{op_name="jit(train_step)/vmap(transpose(jvp(DSTANet)))/input_map/linear/dot_general"}}
  ROOT %done = f32[2]{{0}} copy(%first)
}}
"""
    norm, gradient = ahead.sent(Program(program).collectives())
    assert norm["what"] == "BatchNorm" and norm["kb"] == 0.008 and norm["instructions"] == 1
    assert gradient["what"] == "gradients" and gradient["kb"] == 0.016 and gradient["instructions"] == 0
    assert norm["devices"] == gradient["devices"] == devices


def test_sources():
    network = "jit(train_step)/vmap(jvp(DSTANet))"
    assert ahead.source(f"{network}/layer_0_spatial/join_heads/norm/dot_general") == "BatchNorm"
    assert ahead.source(f"{network}/reduce_sum") == ahead.source(f"{network}/DSTANet._scores/dot_general")
    assert ahead.source(f"{network}/DSTANet._scores/dot_general") == "shared rows"
    back = "jit(train_step)/vmap(transpose(jvp(DSTANet)))"
    assert ahead.source(f"{back}/DSTANet._scores/classifier/dot_general") == "gradients"
    assert ahead.source("jit(train_step)/vmap(jvp())/reduce_sum") == "loss, accuracy"
    assert ahead.source("") == "not told"
