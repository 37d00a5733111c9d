"""How the rehearsal ended: what the run says, what the tenant shows, and whether that is right."""

from dataclasses import dataclass

from demo.approve import Answer
from demo.certificate import FoundCertificate, read_certificate
from demo.follow import Run
from demo.outcome import Effect, approved_effect, untouched_effect
from demo.problems import DemoProblem
from demo.screen import Screen
from demo.tenant import People

CERTIFY_TASK = "certify"


@dataclass(frozen=True)
class Ending:
    """Everything there is to judge.

    Attributes:
        run: The run, which has ended.
        state: Airflow's word for how it ended.
        answer: The answer that was accepted; None when nobody was asked.
        before: The tenant before the run.
        after: The tenant after it.
    """

    run: Run
    state: str
    answer: Answer | None
    before: People
    after: People


def given_answer(run: Run, task_id: str, *, asked: bool) -> Answer | None:
    """Return the answer that was accepted; no answer in time counts as a reject.

    Args:
        run: The run, which has ended.
        task_id: The task that asked.
        asked: Whether it was seen to ask.
    """
    if not asked:
        return None
    chosen = run.client.question(run.dag_id, run.run_id, task_id).chosen_options
    done = any(task.task_id == task_id and task.state == "success" for task in run.tasks())
    return Answer.APPROVE if done and chosen == [Answer.APPROVE] else Answer.REJECT


def report(ending: Ending, screen: Screen) -> bool:
    """Print how it ended; tell whether that is the right ending.

    Args:
        ending: Everything there is to judge.
        screen: Where to print.
    """
    problems = []
    certificate = None
    try:
        certificate = read_certificate(ending.run.xcom(CERTIFY_TASK, "certificate"))
    except DemoProblem as problem:
        problems.append(str(problem))
    if ending.answer is Answer.APPROVE:
        taken_off = certificate.taken_off if certificate else 0
        effect = approved_effect(ending.before, ending.after, taken_off)
    else:
        effect = untouched_effect(ending.before, ending.after)
    problems = [*effect.problems, *problems]
    if ending.state != "success":
        problems.insert(0, "the run failed; the lines above say where")
    if ending.answer is None:
        problems.insert(0, "nobody was asked to approve")
    if certificate:
        problems += certificate.problems(ending.answer, effect.gone)
    _print(effect, certificate, screen)
    for line in problems:
        screen.line(f"NOT RIGHT: {line}.")
    if not problems:
        approved = ending.answer is Answer.APPROVE
        effect_in_words = f"{effect.gone:,} people purged" if approved else "nothing in the tenant changed"
        screen.event(f"The outcome is the right one: {effect_in_words}.")
    return not problems


def _print(effect: Effect, certificate: FoundCertificate | None, screen: Screen) -> None:
    screen.line()
    if certificate:
        said = certificate.content
        equation = said.equation.text if said.equation else "none: the report was not read"
        screen.facts([("Outcome", f"{said.outcome.label}. {said.headline}"), ("Equation", equation)])
    screen.line("        Read back from the sandbox, person by person:")
    for words, count in effect.counts.items():
        screen.line(f"        {count:>8,}  {words}")
    if certificate:
        screen.facts([("Certificate", str(certificate.page))])
    screen.line()
