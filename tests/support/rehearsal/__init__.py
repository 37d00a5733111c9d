"""Drives one run of the DAG through its real operators against the rehearsal tenant, without a scheduler.

    with open_room() as room:                      # tenant, clock, settings and store; a fixture per module is enough
        room.fresh(job_seconds=5)                  # another tenant; keywords are the tenant's switches
        judge = Judge(room.world)                  # remembers who was who
        run = Run(room, answerer=approve).go()     # until nothing is left to do
        judge.judge(run).require_clean()           # what must hold after every run

What is Airflow's is done as Airflow does it, and read from the DAG itself: wiring, trigger rules, retries and their
delays. A try that begins wipes what its task has recorded in XCom; a task that goes on after a wait does not. The
task state store outlives everything. `run.clear(task, after=True)` grants new tries and raises the run's clear
number. A deferral lets the trigger's own code run; the approval is asked and answered through the operator's own
methods. `run.go(until="purge_users")` stops before a task, and `run.go()` goes on.

Time never passes by itself here: every pause of the code under test moves one clock, the tenant's with it.

    Run(room, before_step=change_the_world)        # called before each step, with the run and the task's id
    Run(room, killer=kill)                         # called before and after each effect; True kills the worker there

A killed worker does nothing any more: no call, no file, no record, whatever its `finally` blocks try. `run.effects`
lists everything the tasks did to the world outside, each with the label that a killer sees.
"""
