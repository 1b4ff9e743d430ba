"""The bodies of the DMS answers, in the names and types of the Kafka API reference.

What the reference calls a String stays a string even where it holds a number; partitions come in
falling order, as in the vendor's sample, because their order is not defined.
"""

from datetime import datetime, timedelta

from bot.demo.scenario import (
    Instance,
    NoPosition,
    PartitionState,
    SmartTask,
    TaskState,
    TopicState,
)

Json = dict[str, object]

_INSTANCE_AGE = timedelta(days=500)
_SINK_QUOTA = 18
_CLASSES: Json = {
    "connector_class": "com.huawei.dms.connector.obs.OBSSinkConnector",
    "storage_class": "com.huawei.dms.connector.obs.storage.OBSStorage",
    "format_class": "com.huawei.dms.connector.obs.format.bytearray.ByteArrayFormat",
    "schema_generator_class": "io.confluent.connect.storage.hive.schema.DefaultSchemaGenerator",
    "partitioner_class": "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
    "value_converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
    "key_converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
}


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _created(state: TaskState, started_at: datetime) -> int:
    fixed = state.task.created_at_ms
    return _milliseconds(started_at - state.task.age) if fixed is None else fixed


def _topics(state: TaskState) -> str:
    names = ",".join(topic.name for topic in state.topics)
    return names if state.task.topics_regex is None else state.task.topics_regex


def sink_task_list(states: list[TaskState], *, started_at: datetime) -> Json:
    """ListSinkTasks; the quota may exceed the maximum, as in the vendor's sample."""
    return {
        "tasks": [
            {
                "task_id": state.task.task_id,
                "task_name": state.task.name,
                "destination_type": "OBS",
                "create_time": _created(state, started_at),
                "status": state.status,
                "topics": _topics(state),
            }
            for state in states
        ],
        "total_number": len(states),
        "max_tasks": _SINK_QUOTA - 1,
        "quota_tasks": _SINK_QUOTA,
    }


def sink_task_detail(state: TaskState, *, started_at: datetime, with_topics: bool) -> Json:
    """ShowSinkTaskDetail, which does not repeat the task's id."""
    answer: Json = {
        "task_name": state.task.name,
        "destination_type": "OBS",
        "create_time": _created(state, started_at),
        "status": state.status,
        "topics": _topics(state),
        "obs_destination_descriptor": _descriptor(state),
    }
    if with_topics:
        answer["topics_info"] = [_topic_info(state, topic) for topic in state.topics]
    return answer


def _descriptor(state: TaskState) -> Json:
    return {
        "consumer_strategy": state.task.strategy,
        "destination_file_type": "TEXT",
        "obs_bucket_name": state.task.bucket,
        "obs_path": state.task.path or state.task.name,
        "partition_format": "yyyy/MM/dd/HH/mm",
        "record_delimiter": "\n",
        "deliver_time_interval": round(state.deliver_every.total_seconds()),
        "obs_part_size": 5242880,
        "flush_size": 1000000,
        **_CLASSES,
    }


def _topic_info(state: TaskState, topic: TopicState) -> Json:
    return {
        "topic": topic.name,
        "partitions": [
            _partition(partition, state.task.no_position)
            for partition in reversed(topic.partitions)
        ],
    }


def _partition(partition: PartitionState, spelling: NoPosition) -> Json:
    answer: Json = {"partition_id": str(partition.partition), "status": partition.status}
    if partition.transferred is not None:
        answer["last_transfer_offset"] = str(partition.transferred)
    elif spelling is not NoPosition.ABSENT:
        answer["last_transfer_offset"] = _spelt(spelling)
    answer["log_end_offset"] = str(partition.log_end)
    if partition.lag is not None:
        answer["lag"] = str(partition.lag)
    elif spelling is not NoPosition.ABSENT:
        answer["lag"] = _spelt(spelling)
    return answer


def _spelt(spelling: NoPosition) -> str | None:
    return None if spelling is NoPosition.NULL else spelling.value


def instance(of: Instance, *, started_at: datetime) -> Json:
    """ShowInstance and each entry of ListInstances: what a monitor reads of some ninety fields."""
    enabled = bool(of.connector_id)
    return {
        "name": of.name,
        "engine": "kafka",
        "engine_version": "2.7",
        "port": 9093,
        "status": of.status,
        "type": "cluster",
        "specification": "kafka.4u8g.cluster * 3 broker",
        "instance_id": of.instance_id,
        "created_at": str(_milliseconds(started_at - _INSTANCE_AGE)),
        "partition_num": "1000",
        "enterprise_project_id": "0",
        "maintain_begin": "22:00:00",
        "maintain_end": "02:00:00",
        "connector_enable": enabled,
        "connector_node_num": 2 if enabled else 0,
        "connector_id": of.connector_id,
        "node_num": 3,
        "broker_num": 3,
        "tags": [{"key": key, "value": value} for key, value in of.tags],
    }


def topic_entry(topic: TopicState, *, started_at: datetime) -> Json:
    """An entry of the topics of an instance; the retention is in hours."""
    return {
        "policiesOnly": False,
        "name": topic.name,
        "replication": 3,
        "partition": len(topic.partitions),
        "retention_time": topic.retention // timedelta(hours=1),
        "sync_replication": False,
        "sync_message_flush": "false",
        "external_configs": {},
        "topic_type": 0,
        "topic_other_configs": [],
        "topic_desc": "",
        "created_at": _milliseconds(started_at - _INSTANCE_AGE),
    }


def topic_partitions(topic: TopicState, *, now: datetime) -> Json:
    """ShowInstanceTopicDetail: numbers are integers here; `lso` is the first offset still kept."""
    return {
        "topic": topic.name,
        "partitions": [
            {
                "partition": partition.partition,
                "leader": partition.partition % 3,
                "leo": partition.log_end,
                "hw": partition.log_end,
                "lso": partition.log_start,
                "last_update_timestamp": _milliseconds(now),
                "replicas": [
                    {
                        "broker": partition.partition % 3,
                        "leader": True,
                        "in_sync": True,
                        "size": 0,
                        "lag": 0,
                    }
                ],
            }
            for partition in topic.partitions
        ],
        "group_subscribed": [],
    }


def smart_task(task: SmartTask, *, started_at: datetime) -> Json:
    """A Smart Connect task; the unused side is null, and only one of the topic keys is there."""
    topics = {"topics": task.topics, "topics_regex": task.topics_regex}
    return {
        "task_name": task.name,
        **{key: value for key, value in topics.items() if value is not None},
        "source_type": "KAFKA_REPLICATOR_SOURCE" if task.replicates else "NONE",
        "source_task": {"direction": "pull", "task_num": 2} if task.replicates else None,
        "sink_type": "NONE" if task.replicates else "OBS_SINK",
        "sink_task": None if task.replicates else _smart_sink(task),
        "id": task.task_id,
        "status": task.status,
        "create_time": _milliseconds(started_at - _INSTANCE_AGE),
    }


def _smart_sink(task: SmartTask) -> Json:
    return {
        "consumer_strategy": "earliest",
        "destination_file_type": "TEXT",
        "deliver_time_interval": 300,
        "obs_bucket_name": "kafka-dumps",
        "obs_path": task.name,
        "partition_format": "yyyy/MM/dd/HH/mm",
        "record_delimiter": "\\n",
        "obs_part_size": 5242880,
        "flush_size": 1000000,
        "timezone": "Asia/Chongqing",
        "store_keys": False,
        "kv_delimiter": ":",
    }
