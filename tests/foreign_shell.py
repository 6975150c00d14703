"""What another Spark, Hadoop, Java or Prefect, a locale and a proxy leave in an engineer's shell."""

from pathlib import Path

PROFILE = """active = "cloud"

[profiles.cloud]
PREFECT_API_URL = "https://api.prefect.invalid/api"
PREFECT_API_KEY = "pnu_not_a_key"
"""
"""Of a person who uses Prefect's cloud."""

KERBEROS = """<configuration>
<property><name>fs.defaultFS</name><value>hdfs://namenode.example:8020</value></property>
<property><name>hadoop.security.authentication</name><value>kerberos</value></property>
</configuration>"""


def foreign_shell(folder: Path) -> dict[str, str]:
    """What an engineer's shell may hold: another Spark, Hadoop with Kerberos, and Prefect, another zone and locale."""
    configuration = folder / "conf"
    configuration.mkdir()
    (configuration / "core-site.xml").write_text(KERBEROS)
    (configuration / "spark-defaults.conf").write_text(
        "spark.sql.session.timeZone America/Sao_Paulo\nspark.driver.memory 1k\n"
    )
    (configuration / "spark-env.sh").write_text("exit 3\n")
    there = str(configuration)
    person = folder / "person"
    (person / ".prefect").mkdir(parents=True)
    (person / ".prefect" / "profiles.toml").write_text(PROFILE)
    return {
        "HOME": str(person),
        "PREFECT_PROFILE": "cloud",
        "PREFECT_API_KEY": "pnu_not_a_key",
        "PREFECT_SERVER_API_AUTH_STRING": "somebody:else",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": "postgresql+asyncpg://nobody@127.0.0.1:9/theirs",
        "PREFECT_API_DATABASE_CONNECTION_URL": "postgresql+asyncpg://nobody@127.0.0.1:9/theirs",
        "SPARK_HOME": str(folder / "opt" / "spark-3.5"),
        "SPARK_CONF_DIR": there,
        "SPARK_LOCAL_DIRS": "/nowhere",
        "SPARK_REMOTE": "sc://spark.example",
        "HADOOP_CONF_DIR": there,
        "HADOOP_HOME": str(folder / "opt" / "hadoop"),
        "HADOOP_USER_NAME": "somebody",
        "YARN_CONF_DIR": there,
        "PYSPARK_PYTHON": "/usr/bin/false",
        "PYSPARK_DRIVER_PYTHON": "/usr/bin/false",
        "PYSPARK_SUBMIT_ARGS": "--master yarn pyspark-shell",
        "JAVA_TOOL_OPTIONS": "-javaagent:/nowhere/agent.jar",
        "_JAVA_OPTIONS": "-Xmx1k",
        "JDK_JAVA_OPTIONS": "--no-such-option",
        "TZ": "America/Sao_Paulo",
        "LC_ALL": "C",
        "http_proxy": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
    }
