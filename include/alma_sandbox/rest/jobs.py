"""Jobs API: list, read, start, follow."""

from __future__ import annotations

from datetime import date, timedelta

from alma_sandbox.errors import AlmaRefusal
from alma_sandbox.rest.wire import Call, Reply, Route, listing
from alma_sandbox.state.clock import stamp
from alma_sandbox.state.groups import JOB_STATUSES
from alma_sandbox.state.job_catalog import JobDefinition, JobType
from alma_sandbox.state.job_run import GOOD_ENDS, JobRun
from alma_sandbox.state.people import Json
from alma_sandbox.state.tenant import Tenant
from alma_sandbox.state.user_record import coded

PROGRESS = {"QUEUED": 0, "INITIALIZING": 5, "RUNNING": 60, "FINALIZING": 95}


def job_json(tenant: Tenant, job: JobDefinition) -> Json:
    """Write one job of the listing."""
    return {
        "id": job.job_id,
        "name": job.name,
        "description": job.description or job.name,
        "type": {"value": job.job_type.value, "desc": job.job_type.value.title()},
        "category": {"value": "USERS", "desc": "Users"},
        "content": {"value": "USER", "desc": "User"}
        if job.job_type is JobType.MANUAL
        else {"value": "", "desc": ""},
        "schedule": None,
        "creator": None,
        "next_run": None,
        "parameter": [],
        "link": f"{tenant.base_url}/conf/jobs/{job.job_id}",
    }


def run_json(tenant: Tenant, run: JobRun) -> Json:
    """Write one job instance."""
    now = tenant.clock.now()
    status = run.status(now)
    job = tenant.jobs.definitions().get(run.job_id)
    link = f"{tenant.base_url}/conf/jobs/{run.job_id}/instances/{run.instance_id}"
    good = status in GOOD_ENDS
    alert = "alert_general_success" if good else "alert_general_error"
    text = "completed successfully" if good else "did not complete"
    shown: Json = {
        "id": run.instance_id,
        "external_id": run.instance_id,
        "name": run.name,
        "submitted_by": (
            {"value": "exl_api", "desc": "API, Ex Libris"}
            if run.by_api
            else {"value": "operator", "desc": "Operator"}
        ),
        "submit_time": stamp(run.submitted),
        "start_time": stamp(run.started(1)) if run.started(1) <= now else None,
        "end_time": stamp(run.ended),
        "progress": 100 if good else (0 if run.ended else PROGRESS.get(status, 0)),
        "status": coded(status, JOB_STATUSES),
        "status_date": (run.ended or now).date().isoformat(),
        "alert": [{"value": alert, "desc": f"The job {text}. For more information view the report details."}]
        if run.ended
        else [],
        "counter": [
            {"type": {"value": label, "desc": text}, "value": str(number)}
            for label, text, number in (run.outcome.counters if run.outcome and run.ended else ())
        ],
        "action": [],
        "link": link,
    }
    if job is not None:
        full = job_json(tenant, job)
        shown["job_info"] = {
            key: full[key] for key in ("id", "name", "description", "type", "category", "link")
        }
    return shown


def list_jobs(tenant: Tenant, call: Call) -> Reply:
    """List jobs by type, paged."""
    kind = call.query.get("type", "")
    if kind and kind not in {item.value for item in JobType}:
        raise AlmaRefusal("40166410", "Invalid type.")
    jobs = [job for job in tenant.jobs.definitions().values() if kind in {"", job.job_type.value}]
    offset = call.number("offset", 0, 0, 10_000_000)
    page = jobs[offset : offset + call.number("limit", 10, 0, 100)]
    return Reply(listing("job", [job_json(tenant, job) for job in page], len(jobs)), "jobs")


def get_job(tenant: Tenant, call: Call) -> Reply:
    """Read one job."""
    return Reply(job_json(tenant, tenant.jobs.definition(call.parts[0])), "job")


def start_job(tenant: Tenant, call: Call) -> Reply:
    """Start a manual job; the run's id is the last segment of additional_info.link."""
    job = tenant.jobs.definition(call.parts[0])
    op = call.query.get("op", "")
    if not op:
        raise AlmaRefusal("402220", "Operation was not provided.")
    if op != "run":
        raise AlmaRefusal("402221", f"Operation {op} is not supported.")
    parameters = _parameters(call.read_body())
    now = tenant.clock.now()
    run = tenant.jobs.start(job.job_id, parameters, now)
    tenant.journal.job_started(run.instance_id)
    tenant.journal.note(
        "job started", job=job.job_id, instance=run.instance_id, name=parameters.get("job_name", "")
    )
    body = job_json(tenant, job)
    body["parameter"] = [{"name": {"value": name}, "value": value} for name, value in parameters.items()]
    body["additional_info"] = {
        "value": f"Job no. {run.instance_id} triggered on {now:%a, %d %b %Y %H:%M:%S} GMT",
        "link": f"{tenant.base_url}/conf/jobs/{job.job_id}/instances/{run.instance_id}",
    }
    return Reply(body, "job")


def list_runs(tenant: Tenant, call: Call) -> Reply:
    """List a job's instances, newest first, filtered by submit date and status."""
    job_id = call.parts[0]
    tenant.jobs.definition(job_id)
    now = tenant.clock.now()
    visible = now - timedelta(seconds=tenant.switches.instance_list_lag_seconds)
    runs = [run for run in tenant.jobs.runs if run.job_id == job_id and run.submitted <= visible]
    first, last = _date(call, "submit_date_from"), _date(call, "submit_date_to")
    runs = [run for run in runs if first is None or run.submitted.date() >= first]
    runs = [run for run in runs if last is None or run.submitted.date() <= last]
    status = call.query.get("status", "")
    if status:
        if status not in JOB_STATUSES:
            raise AlmaRefusal("40166410", "Invalid status.")
        runs = [run for run in runs if run.status(now) == status]
    runs.reverse()
    offset = call.number("offset", 0, 0, 10_000_000)
    page = runs[offset : offset + call.number("limit", 10, 0, 100)]
    return Reply(listing("job_instance", [run_json(tenant, run) for run in page], len(runs)), "job_instances")


def get_run(tenant: Tenant, call: Call) -> Reply:
    """Read one instance; the job id may be ALL."""
    return Reply(run_json(tenant, tenant.jobs.find(call.parts[0], call.parts[1])), "job_instance")


def _parameters(body: Json) -> dict[str, str]:
    items = body.get("parameter") or []
    found: dict[str, str] = {}
    for item in items if isinstance(items, list) else [items]:
        name = item.get("name") if isinstance(item, dict) else None
        name = name.get("value") if isinstance(name, dict) else name
        if name:
            found[str(name)] = _value(item.get("value"))
    return found


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _date(call: Call, name: str) -> date | None:
    text = call.query.get(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text.removesuffix("Z"))
    except ValueError as error:
        raise AlmaRefusal("402217", f"Invalid date format: {text}.") from error


ROUTES = [
    Route("GET", "/conf/jobs", list_jobs, "conf"),
    Route("GET", "/conf/jobs/{0}", get_job, "conf"),
    Route("POST", "/conf/jobs/{0}", start_job, "conf"),
    Route("GET", "/conf/jobs/{0}/instances", list_runs, "conf"),
    Route("GET", "/conf/jobs/{0}/instances/{1}", get_run, "conf"),
]
