"""The Airflow hook of the Alma REST API."""

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError
from airflow.sdk.log import mask_secret

from alma_api.client import AlmaClient
from alma_api.errors import AlmaAuthError, AlmaError
from alma_purge.hooks.connection_settings import AlmaConnection, read_connection
from alma_purge.hooks.key_rights import KeyRights, rights_of
from patron_purge.errors import ConfigurationError

USUAL_PACE = 10.0
MAIN_KEY = "The API key"
READ_KEY = "The read-only API key"


class AlmaHook(BaseHook):
    """Makes an Alma client from a connection of type "Alma".

    The connection's region or host says where Alma is, its password is the API key. A second key for reads,
    the institution's code, the environment and a pace may stand in its extra fields. A key travels only in
    the Authorization header. Nothing is sent before a method of the client is called.

    Args:
        alma_conn_id: Id of the connection.
        calls_per_second: Pace of the client; Alma allows 25 calls a second for a whole institution. The
            connection's own pace counts when it is slower, and when none is given here.
    """

    conn_name_attr = "alma_conn_id"
    default_conn_name = "alma_default"
    conn_type = "alma"
    hook_name = "Alma"

    def __init__(self, alma_conn_id: str = default_conn_name, calls_per_second: float | None = None) -> None:
        super().__init__()
        self.alma_conn_id = alma_conn_id
        self.calls_per_second = calls_per_second

    def settings(self) -> AlmaConnection:
        """Return what the connection says.

        Raises:
            ConfigurationError: The connection is missing, or a field is missing or wrong.
        """
        try:
            connection = self.get_connection(self.alma_conn_id)
        except (AirflowNotFoundException, AirflowRuntimeError) as error:
            raise ConfigurationError(
                f"The Airflow connection {self.alma_conn_id} is missing. Create it under Admin > Connections "
                "with type Alma; nothing was changed."
            ) from error
        settings = read_connection(connection)
        for key in (settings.api_key, settings.extra.read_api_key):
            mask_secret(key)
        return settings

    def get_conn(self) -> AlmaClient:
        """Return a client for the connection; it reads with the second key, when there is one.

        Raises:
            ConfigurationError: The connection is missing, or a field is missing or wrong.
        """
        settings = self.settings()
        return self._client(settings, settings.api_key, settings.extra.read_api_key)

    def clients_by_key(self) -> dict[str, AlmaClient]:
        """Return a client for each key alone, by what the key is called in sentences.

        Raises:
            ConfigurationError: The connection is missing, or a field is missing or wrong.
        """
        settings = self.settings()
        keys = {MAIN_KEY: settings.api_key, READ_KEY: settings.extra.read_api_key}
        return {name: self._client(settings, key) for name, key in keys.items() if key}

    def rights(self) -> list[KeyRights]:
        """Ask Alma what each key may do, changing nothing; the main key comes first.

        Raises:
            ConfigurationError: The connection can't be used, or a key belongs to another tenant than it says.
            AlmaError: Alma could not be asked.
        """
        return [self._rights(name, client) for name, client in self.clients_by_key().items()]

    def require_expected_tenant(self, institution_code: str, environment: str) -> None:
        """Make sure that Alma answers for the institution and environment that the connection names, if any.

        Args:
            institution_code: Alma's institution code, as Alma answered.
            environment: Environment, as Alma answered.

        Raises:
            ConfigurationError: The connection names another one.
        """
        extra = self.settings().extra
        for field, expected, answered in (
            ("institution code", extra.institution_code, institution_code),
            ("environment", extra.environment, environment),
        ):
            if expected is not None and expected != answered:
                raise ConfigurationError(
                    f"The Airflow connection {self.alma_conn_id} says {field} {expected}, but Alma answers "
                    f"for {answered}. Use the right key, or correct the connection; nothing was changed."
                )

    def test_connection(self) -> tuple[bool, str]:
        """Ask Alma whose keys they are and what they may do, changing nothing, and say so."""
        try:
            rights = self.rights()
            unknown = self.settings().unknown
        except (AlmaError, ConfigurationError) as error:
            # While it is tested, Airflow gives the connection a name that means nothing to anybody.
            return False, str(error).replace(f"The Airflow connection {self.alma_conn_id}", "This connection")
        sentences = [each.sentence for each in rights]
        lacking = rights[0].lacking_for_changes(reads_too=len(rights) == 1)
        if len(rights) > 1:
            lacking = (*lacking, *rights[1].lacking_for_reads())
            sentences += rights[1].too_many()
        if lacking:
            sentences.append(
                f"A purge also needs: {', '.join(lacking)}. Add it in the Ex Libris developer network."
            )
        if unknown:
            sentences.append(f"Extra fields without a meaning here: {', '.join(unknown)}.")
        return not lacking, " ".join(sentences)

    def _rights(self, name: str, client: AlmaClient) -> KeyRights:
        """Ask Alma what one key may do."""
        with client:
            try:
                general = client.conf.general()
            except AlmaAuthError:
                return rights_of(client, name, "an institution that it may not name")
            self.require_expected_tenant(general.institution_code, general.environment)
            return rights_of(client, name, f"{general.institution_code} ({general.environment})")

    def _client(self, settings: AlmaConnection, key: str, read_key: str | None = None) -> AlmaClient:
        try:
            return AlmaClient(settings.base_url, key, read_key, calls_per_second=self._pace(settings))
        except ValueError as error:
            raise ConfigurationError(
                f"The Airflow connection {self.alma_conn_id} can't be used: {error}. Correct it under Admin > "
                "Connections; nothing was changed."
            ) from error

    def _pace(self, settings: AlmaConnection) -> float:
        """Return the slower of the two paces that may be given."""
        given = (self.calls_per_second, settings.extra.calls_per_second)
        return min((pace for pace in given if pace is not None), default=USUAL_PACE)
