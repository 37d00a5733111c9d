"""An answer that is not accepted: the person is told why and asked again, until the tries are used up."""

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from alma_purge.operators.base import STOP_KEY, TROUBLE_KEY
from alma_purge.remedies import to_go_on
from alma_purge.steps.authority import clear_number
from patron_purge.errors import MendableError

_STORE_KEY = "refused_answer"


class AnswerLostError(MendableError):
    """Airflow itself could not take an answer."""


def refusal(context: Context, why: str) -> AirflowException:
    """Record that an answer was not accepted, for the review page, the mail and the certificate.

    Args:
        context: The task's context.
        why: A sentence for the person who answered; it names no patron.

    Returns:
        An exception after which Airflow asks again; after the last try one that ends the task.
    """
    ti, task = context["ti"], context["task"]
    if ti.try_number > ti.max_tries:
        tries = (task.retries or 0) + 1
        said = (
            f"No answer was accepted in {tries} tries; the last: {why} This task changed nothing. "
            f"{to_go_on(context)}"
        )
        ti.xcom_push(key=STOP_KEY, value=said)
        return AirflowFailException(said)
    said = f"The answer was not accepted: {why}"
    ti.xcom_push(key=TROUBLE_KEY, value=said)
    note_refusal(context, said)
    return AirflowException(said)


def note_refusal(context: Context, said: str) -> None:
    """Keep for the next try why the last answer led to nothing.

    Args:
        context: The task's context.
        said: A sentence for the person who answered.
    """
    context["task_state_store"].set(_STORE_KEY, {"clear_number": clear_number(context), "said": said})


def repeat_refusal(context: Context) -> None:
    """Say again, while the question is asked again, why the last answer led to nothing.

    Airflow forgets what a task has recorded when it begins the next try. A task that somebody has cleared since
    begins anew and repeats nothing.

    Args:
        context: The task's context.
    """
    stored = context["task_state_store"].get(_STORE_KEY)
    if isinstance(stored, dict) and stored.get("clear_number") == clear_number(context):
        context["ti"].xcom_push(key=TROUBLE_KEY, value=str(stored["said"]))
