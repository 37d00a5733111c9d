"""Everything that an approval rests on besides people and payloads, kept so that the digest can be computed again."""

from collections.abc import Collection
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from patron_purge.digest import DigestSubject, purge_digest
from patron_purge.institution import GuardSettings, RuleSettings
from patron_purge.payloads import FrozenPayload
from patron_purge.states import Engine, Mode


class DigestBasis(BaseModel):
    """The content of `basis.json`; without personal data.

    Attributes:
        institution: Short code of the institution.
        institution_code: Alma's institution code.
        environment: Alma environment.
        run_id: Run id of Airflow.
        engine: How the purge itself is started.
        mode: How far the run may go.
        marker_group: Code of the marker group.
        regroup_job_id: Id of the Update/Notify Users job.
        purge_job_id: Id of the purge job; empty when no job is started by API.
        rules: The rule settings.
        guards: The guard settings.
        overrides: New limits of guards from the trigger form.
        snapshot_sha256: Checksum of the snapshot with the original groups.
        input_sha256: Checksums of the input files by their name, and of the settings that decide.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    institution: str
    institution_code: str
    environment: str
    run_id: str
    engine: Engine
    mode: Mode
    marker_group: str
    regroup_job_id: str
    purge_job_id: str
    rules: RuleSettings
    guards: GuardSettings
    overrides: dict[str, Decimal]
    snapshot_sha256: str
    input_sha256: dict[str, str]

    def digest(self, regroup: FrozenPayload, purge: FrozenPayload, primary_ids: Collection[str]) -> str:
        """Compute the digest of a purge that rests on this.

        Args:
            regroup: The frozen payload of the regroup job; only its bytes count.
            purge: The same of the purge job, or the criteria that a person enters.
            primary_ids: The people to purge, in any order.

        Raises:
            AccountingError: A primary id stands on the list twice.
        """
        return purge_digest(
            DigestSubject(
                institution=self.institution,
                institution_code=self.institution_code,
                environment=self.environment,
                run_id=self.run_id,
                engine=self.engine,
                mode=self.mode,
                marker_group=self.marker_group,
                regroup_job_id=self.regroup_job_id,
                purge_job_id=self.purge_job_id,
                regroup_payload=regroup,
                purge_payload=purge,
                rules=self.rules,
                guards=self.guards,
                overrides=self.overrides,
                primary_ids=tuple(primary_ids),
                snapshot_sha256=self.snapshot_sha256,
                input_sha256=self.input_sha256,
            )
        )
