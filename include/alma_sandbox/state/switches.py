"""Switches for everything about Alma that is not known, and for hostile weather."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Switches(BaseModel):
    """How the tenant behaves where Alma's behaviour is unknown or varies between institutions."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    # Analytics
    analytics_lag_days: int = Field(
        default=1, ge=0, description="Age of the report's data; 0 reads the live records."
    )
    token_on_every_page: bool = Field(
        default=False, description="Repeat the resumption token on later pages."
    )
    token_on_single_page: bool = Field(
        default=True, description="Give a token even when the first page is the only one."
    )
    loading_pages: int = Field(
        default=0, ge=0, description="Empty 'still loading' answers before the first page."
    )
    loading_with_token: bool = Field(
        default=False, description="Whether those empty answers carry the token."
    )
    days_heading: Literal["custom", "formula"] = Field(
        default="custom", description="Heading of the calculated column."
    )
    report_row_cap: int = Field(
        default=65_000, ge=1, description="Rows after which a report is cut without a word."
    )
    token_seconds: float = Field(default=1800, ge=0, description="How long a resumption token lives.")

    # Users
    index_lag_seconds: float = Field(
        default=3, ge=0, description="How long the user search shows the old record."
    )
    group_query_searches_descriptions: bool = Field(
        default=False, description="user_group~ also looks in descriptions."
    )
    deleted_in_search: bool = Field(
        default=False, description="Users with status DELETED still appear in the search."
    )
    external_fields: Literal["kept", "kept_if_manual"] = Field(
        default="kept",
        description="Whether PUT keeps an external user's group without override always or once edited.",
    )
    expanded_fees: Literal["active", "open"] = Field(
        default="active", description="What expand=fees adds up."
    )
    campus_load_undoes_groups: bool = Field(
        default=True, description="A campus load puts external users' groups back."
    )
    delete_user_policy: Literal[
        "keep_fully_reportable", "keep_statistics", "remove_primary_id", "fully_remove"
    ] = Field(default="keep_statistics", description="What remains of a purged user.")

    # Jobs
    job_seconds: float = Field(
        default=1, ge=0, description="Length of each job phase; 0 ends a job at the next read."
    )
    effect_at: Literal["start", "end"] = Field(default="end", description="When a job changes the records.")
    set_captured: Literal["start", "end"] = Field(default="start", description="When a job reads its set.")
    job_name_echoed: bool = Field(
        default=True, description="Whether an instance carries the job_name that was sent."
    )
    instance_list_lag_seconds: float = Field(
        default=0, ge=0, description="How long a new instance is missing in lists."
    )
    unknown_parameters: Literal["refuse", "ignore"] = Field(
        default="refuse", description="Unknown job parameters."
    )
    max_running_jobs: int = Field(default=3, ge=0, description="API-started jobs that may run at once.")
    max_starts_per_hour: int = Field(default=5, ge=0, description="Starts of one job within an hour.")

    # Purge
    purge_job_id: str | None = Field(
        default="M20261", description="Id of the set-based purge job; null: not offered."
    )
    purge_job_is_chain: bool = Field(
        default=False, description="The purge job consists of several tasks (402231)."
    )
    legacy_purge_listed: bool = Field(
        default=True, description="Whether the job of the Purge User Records page and its runs are listed."
    )
    purge_ignores_dates: bool = Field(
        default=False, description="The purge job does not look at the purge date."
    )
    purge_ignores_waive: bool = Field(default=False, description="The purge job waives any balance.")
    purge_ignores_loans: bool = Field(default=False, description="The purge job does not look at loans.")
    purge_ignores_group: bool = Field(
        default=False, description="The purge job takes set members of any group."
    )
    zero_days_mean: Literal["today", "yesterday"] = Field(
        default="yesterday", description="Days after purge date = 0."
    )
    purge_counts_fees: Literal["active", "open"] = Field(
        default="active", description="Fee statuses the job adds up."
    )

    # Gateway
    per_second_limit: int = Field(default=25, ge=0, description="Calls per second; 0: no limit.")
    daily_limit: int = Field(default=300_000, ge=1, description="Calls until midnight (UTC).")
