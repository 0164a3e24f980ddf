-- name: hours
-- One row per hour and list of metrics, however many devices have it: names are sent once, means as one array.
SELECT (extract(epoch FROM hour - %(since)s) / 3600)::int4, metrics,
       array_send(array_agg(device_id)), array_send(array_agg(mean))
  FROM ai_metric_hours
 WHERE hour >= %(since)s AND hour < %(until)s
   AND (%(devices)s::int8[] IS NULL OR device_id = ANY(%(devices)s))
 GROUP BY hour, metrics;
