"""The task `certify`: the document that says what was done, without personal data."""

from airflow.sdk import Context

from alma_purge import files
from alma_purge.history_file import write_entry
from alma_purge.links import CertificateLink
from alma_purge.operators.base import PurgeOperator, PurgeRun, publish
from alma_purge.steps.certificate_facts import certificate_of, history_entry_of
from alma_purge.steps.upstream import fail_after, failed_before
from patron_purge.certificate_page import sealed
from patron_purge.errors import PurgeError
from patron_purge.run_outcome import Outcome


class UnaccountedRunError(PurgeError):
    """No task has failed, yet the run has not accounted for everybody."""


class CertifyOperator(PurgeOperator):
    """Writes the certificate and the run's entry in the history."""

    operator_extra_links = (CertificateLink(),)

    def act(self, run: PurgeRun, context: Context) -> str:
        """Put the certificate together from what is on record."""
        certificate, page = sealed(certificate_of(run, context))
        publish(context, run, files.CERTIFICATE, certificate.model_dump_json(indent=1).encode())
        publish(context, run, files.CERTIFICATE_PAGE, page.encode())
        entry = history_entry_of(run, context, certificate)
        if entry is not None:
            write_entry(run.institution.code, entry)
        context["ti"].xcom_push(key="certificate", value=str(run.folder.path / files.CERTIFICATE_PAGE))
        if certificate.outcome is Outcome.FAILED and not failed_before(context):
            why = " ".join(certificate.problems) or certificate.headline
            raise UnaccountedRunError(f"No task is red, but the certificate says that the run failed: {why}")
        return f"{certificate.outcome.label}. {certificate.headline}"

    def execute(self, context: Context) -> None:
        """Do the work, then fail when an earlier task failed."""
        super().execute(context)
        fail_after(context)
