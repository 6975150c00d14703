#!/bin/bash
# One part of HDFS: `namenode` (formatted at its first start) or `datanode`; `shell` and `admin` are Hadoop's `hadoop fs`
# and `hdfs dfsadmin`, for backups.
# The daemons are in hadoop-client-minicluster; the client they need is the one in PySpark.
set -euo pipefail

class_path="$HADOOP_CONF_DIR:$(python -c '
from ecommerce.jars import hadoop_jars
from ecommerce.jvm import class_path
from ecommerce.settings import get_settings
print(class_path(*hadoop_jars(get_settings().cache)))')"
java=("$JAVA_HOME/bin/java" "-Xmx${JAVA_HEAP:-512m}" -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError
    "-Dlog4j2.configurationFile=$HADOOP_CONF_DIR/log4j2.properties" -cp "$class_path")

# A JVM for each command, of which most is start-up: the first compiler alone is faster.
client=("${java[@]}" -XX:TieredStopAtLevel=1)
shell=("${client[@]}" org.apache.hadoop.fs.FsShell)
admin=("${client[@]}" org.apache.hadoop.hdfs.tools.DFSAdmin)

case "${1:-}" in
    namenode)
        namenode=org.apache.hadoop.hdfs.server.namenode.NameNode
        if [ ! -d /var/lib/hdfs/name ]; then
            # Into a directory beside it first: a format that is cut short must not pass for one that is done.
            rm -rf /var/lib/hdfs/name.formatting
            "${java[@]}" "$namenode" -Ddfs.namenode.name.dir=file:///var/lib/hdfs/name.formatting -format -nonInteractive
            mv /var/lib/hdfs/name.formatting /var/lib/hdfs/name
        fi
        exec "${java[@]}" "$namenode"
        ;;
    datanode)
        exec "${java[@]}" org.apache.hadoop.hdfs.server.datanode.DataNode "-Ddfs.datanode.hostname=$(hostname)"
        ;;
    shell)
        exec "${shell[@]}" "${@:2}"
        ;;
    admin)
        exec "${admin[@]}" "${@:2}"
        ;;
    *)
        echo "usage: hdfs.sh namenode|datanode|shell …|admin …" >&2
        exit 2
        ;;
esac
