import json
import pickle

import pytest
from tests.unit.alma_api.scripted_alma import Reply, ScriptedAlma, json_error

from alma_api import errors
from alma_api.client import AlmaClient
from alma_api.error_body import read_fault

MESSAGE = "User with identifier 404404 was not found."
ONE = {"errorCode": "401861", "errorMessage": MESSAGE, "trackingId": "E01-1"}
XML = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<web_service_result xmlns="http://com/exlibris/urm/general/xmlbeans"><errorsExist>true</errorsExist><errorList>'
    f"<error><errorCode>401861</errorCode><errorMessage>{MESSAGE}</errorMessage><trackingId>E01-1</trackingId></error>"
    "</errorList></web_service_result>"
)
JSON = json.dumps({"errorsExist": True, "errorList": {"error": [ONE]}, "result": None})

WITH_CODE = {
    "json": JSON,
    "json without result": json.dumps({"errorsExist": True, "errorList": {"error": [ONE]}}),
    "json wrapped": json.dumps({"web_service_result": {"errorsExist": True, "errorList": {"error": [ONE]}}}),
    "json single object": json.dumps({"errorsExist": True, "errorList": {"error": ONE}}),
    "json wrapped single object": json.dumps({"web_service_result": {"errorList": {"error": ONE}}}),
    "json list": json.dumps([ONE]),
    "json after blanks and a mark": "\ufeff \n" + JSON,
    "xml": XML,
    "xml after blanks": "\r\n  " + XML,
    "xml without namespace": XML.replace(' xmlns="http://com/exlibris/urm/general/xmlbeans"', ""),
    "xml with a prefix": XML.replace("xmlns=", "xmlns:w=")
    .replace("<", "<w:")
    .replace("<w:/", "</w:")
    .replace("<w:?", "<?"),
    "xml cut off": XML[:-40],
    "json cut off": JSON[:-30],
}
WITHOUT_CODE = {
    "html": "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1><br></body></html>",
    "text": "upstream connect error",
    "empty": "",
    "json of another kind": '{"message": "no"}',
    "json cut off before the code": JSON[:40],
    "xml with an entity": '<!DOCTYPE x [<!ENTITY e "401861">]><error><errorCode>&e;</errorCode></error>',
    "xml of another kind": "<error/>",
    "json null": "null",
    "binary": "\x00\x01",
}


@pytest.mark.parametrize("body", WITH_CODE.values(), ids=WITH_CODE.keys())
@pytest.mark.parametrize("content_type", ["application/json", "application/xml", "text/html"])
def test_code_is_found_in_every_shape_under_any_content_type(
    alma: ScriptedAlma, client: AlmaClient, body: str, content_type: str
) -> None:
    alma.will_reply(Reply(400, body.encode(), {"Content-Type": content_type}))
    with pytest.raises(errors.NotFoundError) as caught:
        client.users.get("404404")
    assert caught.value.code == "401861"
    assert caught.value.http_status == 400
    assert caught.value.message == "User with identifier (hidden) was not found"
    assert "404404" not in str(caught.value)
    assert len(alma.seen) == 1


@pytest.mark.parametrize("name", ["json", "xml", "json wrapped single object", "json list"])
def test_tracking_id_is_kept_for_support(alma: ScriptedAlma, client: AlmaClient, name: str) -> None:
    alma.will_reply(Reply(400, WITH_CODE[name].encode()))
    with pytest.raises(errors.NotFoundError, match="tracking id E01-1") as caught:
        client.users.get("404404")
    assert caught.value.tracking_id == "E01-1"


@pytest.mark.parametrize("body", WITHOUT_CODE.values(), ids=WITHOUT_CODE.keys())
def test_body_without_a_code_is_a_refusal_but_never_a_missing_user(
    alma: ScriptedAlma, client: AlmaClient, body: str
) -> None:
    alma.will_reply(Reply(400, body.encode()))
    with pytest.raises(errors.AlmaRequestError, match="HTTP 400") as caught:
        client.users.get("404404")
    assert not isinstance(caught.value, errors.NotFoundError)
    assert caught.value.code is None


def test_plain_404_does_not_prove_that_a_user_is_gone(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(Reply(404, b"<html>Not found</html>"))
    with pytest.raises(errors.AlmaRequestError) as caught:
        client.users.get("404404")
    assert not isinstance(caught.value, errors.NotFoundError)


@pytest.mark.parametrize("name", ["json", "json wrapped", "xml"])
def test_error_sent_as_success_is_an_error(alma: ScriptedAlma, client: AlmaClient, name: str) -> None:
    alma.will_reply(Reply(200, WITH_CODE[name].encode()))
    with pytest.raises(errors.NotFoundError):
        client.users.get("404404")


CODES = [
    ("401861", errors.NotFoundError),
    ("401890", errors.AlmaRequestError),
    ("401651", errors.AlmaRequestError),
    ("402222", errors.JobLimitError),
    ("402223", errors.JobLimitError),
    ("60347", errors.JobOverlapError),
    ("402263", errors.SetNameTakenError),
    *[(str(code), errors.SetMemberError) for code in range(60111, 60121)],
    ("402228", errors.AlmaRequestError),
    ("401864", errors.AlmaRequestError),
    ("60110", errors.AlmaRequestError),
    ("60121", errors.AlmaRequestError),
]


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_refused_change_is_definite_and_named(
    alma: ScriptedAlma, client: AlmaClient, code: str, kind: type[errors.AlmaError]
) -> None:
    alma.will_reply(json_error(code))
    with pytest.raises(errors.AlmaRequestError, match="nothing was changed") as caught:
        client.jobs.run("M148", b"{}")
    assert type(caught.value) is kind
    assert caught.value.code == code


def test_ids_in_a_message_about_members_are_hidden(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(json_error("60116", "The following are not valid: jdoe, 99.1 and JDOE2, jdoe"))
    with pytest.raises(errors.SetMemberError) as caught:
        client.sets.add_members("1", ["jdoe", "99.1", "jdoe2"])
    assert caught.value.message == "The following are not valid: (hidden), (hidden) and (hidden), (hidden)"


def test_first_of_several_errors_counts() -> None:
    fault = read_fault(json.dumps({"errorList": {"error": [ONE, {"errorCode": "2"}]}}).encode())
    assert fault is not None
    assert fault.code == "401861"


def test_errors_survive_the_way_between_processes() -> None:
    error = errors.NotFoundError(
        "A sentence.", code="401861", http_status=400, tracking_id="E01-1", message="m"
    )
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is errors.NotFoundError
    assert str(copy) == "A sentence."
    assert vars(copy) == vars(error)
