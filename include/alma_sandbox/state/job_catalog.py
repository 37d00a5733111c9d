"""The jobs the tenant offers and the parameters they take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from alma_sandbox.state.groups import MARKER_GROUP

UPDATE_JOB = "M148"
LEGACY_PURGE_JOB = "O77"
USER_INFO = "UPDATE_User_Information_"


class JobType(StrEnum):
    """Kinds of job in Alma's listing."""

    MANUAL = "MANUAL"
    SCHEDULED = "SCHEDULED"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """One job of the listing."""

    job_id: str
    name: str
    job_type: JobType
    description: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    chain: bool = False
    may_be_empty: frozenset[str] = frozenset()


def _field(name: str, value: str, *extra: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (
        (f"{USER_INFO}{name}_Active", "false"),
        (f"{USER_INFO}{name}_Value", value),
        *tuple((f"{USER_INFO}{name}_{suffix}", resting) for suffix, resting in extra),
    )


_CONDITION = ("Condition", "Null")
_SCOPE = (("Scope", "Null"), ("Scope_Name", "Null"))

# Resting values of every parameter of Update/Notify Users, as public payloads of the job show them.
UPDATE_PARAMETERS: tuple[tuple[str, str], ...] = (
    *_field("UserGroup", "", _CONDITION),
    *_field("Status", "INACTIVE", _CONDITION),
    *_field("Expiry_Date", "0", _CONDITION),
    *_field("Purge_Date", "0", _CONDITION),
    *_field("Campus", "", _CONDITION),
    *_field("JobDescription", "", _CONDITION),
    *_field("Title", "Null", _CONDITION),
    *_field("AddBlock", "02-GLOBAL", *_SCOPE),
    *_field("DisableBlock", "02-GLOBAL", *_SCOPE),
    *_field("AddNote", "", *_SCOPE),
    *_field("AddRole", "56", *_SCOPE),
    *_field("RemoveRole", "56", *_SCOPE),
    *_field("AddStatistics", "Null", *_SCOPE),
    *_field("RemoveStatistics", "Null", ("Scope", "Null")),
    *_field("CatalogerLevel", "Null"),
    *_field("SetAccountTo", "Null"),
    *_field("DontGeneratePassword", "false"),
    *_field("DisableSMS", "false"),
    *_field("ExportToCloudIdP", "false"),
    *_field("Opt_In_Patron_Letters", "Null"),
    *_field("Opt_Out_Patron_Letters", "Null"),
    *_field("RSL", ""),
    *_field("RemoveRSL", ""),
    (f"{USER_INFO}FieldType_Value", "BY_USER_ACCOUNT_TYPE"),
    ("SEND_Notification_To_User_Active", "false"),
    ("SEND_Notification_To_User_Value", "SOCIAL_LOGIN_INVITAION"),
    ("PRODUCT", "alma"),
    ("set_id", ""),
    ("job_name", ""),
)

# Invented: the parameters of the set-based purge job are not public. See FAKES.md.
PURGE_DAYS = "PURGE_USERS_Days_After_Purge_Date"
PURGE_RECORD_TYPE = "PURGE_USERS_User_Record_Type"
PURGE_GROUP = "PURGE_USERS_User_Group"
PURGE_WAIVE = "PURGE_USERS_Waive_Threshold"
PURGE_PARAMETERS: tuple[tuple[str, str], ...] = (
    (PURGE_DAYS, "1"),
    (PURGE_RECORD_TYPE, "PUBLIC"),
    (PURGE_GROUP, MARKER_GROUP),
    (PURGE_WAIVE, "0"),
    ("set_id", ""),
    ("job_name", ""),
)

UPDATE_USERS = JobDefinition(UPDATE_JOB, "Update/Notify Users", JobType.MANUAL, parameters=UPDATE_PARAMETERS)

_OTHERS = (
    JobDefinition("M101", "Update PO Lines Interested Users", JobType.MANUAL),
    JobDefinition("M2604", "Update and Notify Users, then Export", JobType.MANUAL, chain=True),
    *(JobDefinition(f"M{30 + number}", f"Manual job {number}", JobType.MANUAL) for number in range(1, 24)),
    JobDefinition("S31", "Users - Aggregated notifications", JobType.SCHEDULED),
    JobDefinition("S88", "Fines and Fees - Overdue and lost loan", JobType.SCHEDULED),
    JobDefinition(LEGACY_PURGE_JOB, "Users - Purge Records", JobType.OTHER),
)


def catalog(purge_job_id: str | None, *, purge_is_chain: bool = False) -> dict[str, JobDefinition]:
    """List the jobs by id.

    Args:
        purge_job_id: Id of the set-based purge job, or None when the tenant does not offer it.
        purge_is_chain: Whether that job consists of several tasks and so refuses the API.
    """
    jobs = [*_OTHERS[:12], UPDATE_USERS, *_OTHERS[12:]]
    if purge_job_id:
        jobs.append(
            JobDefinition(
                purge_job_id,
                "Purge users",
                JobType.MANUAL,
                description="Purge users based on a set",
                parameters=PURGE_PARAMETERS,
                may_be_empty=frozenset({PURGE_DAYS, PURGE_GROUP, PURGE_WAIVE}),
                chain=purge_is_chain,
            )
        )
    return {job.job_id: job for job in jobs}
