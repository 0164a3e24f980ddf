-- HOMEPOT's own tables, exactly as HOMEPOT's server creates them: tables, sequences, defaults, keys,
-- foreign keys and indexes, in schema "public", no rows. Taken from a dump of a running HOMEPOT
-- (Alembic revision 20260817_add_site_lifecycle_state). HOMEPOT is licensed under Apache-2.0.
--
-- Run this only where no table "devices" exists: in the embedded database of the demo and in tests.
-- It never belongs into somebody's HOMEPOT. Nothing here uses IF NOT EXISTS, so a second run fails
-- loudly and changes nothing when it is run in one transaction.

CREATE TABLE public.alembic_version (
    version_num character varying(64) NOT NULL
);

CREATE TABLE public.alerts (
    id integer NOT NULL,
    "timestamp" timestamp without time zone NOT NULL,
    device_id character varying(50),
    site_id integer,
    title character varying(255) NOT NULL,
    description text,
    severity character varying(20) NOT NULL,
    category character varying(50) NOT NULL,
    status character varying(20),
    resolved_at timestamp without time zone,
    resolved_by character varying(255),
    resolution_notes text,
    ai_recommendation text,
    ai_confidence double precision
);

CREATE SEQUENCE public.alerts_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.alerts_id_seq OWNED BY public.alerts.id;

CREATE TABLE public.api_request_logs (
    id integer NOT NULL,
    "timestamp" timestamp without time zone NOT NULL,
    endpoint character varying(255) NOT NULL,
    method character varying(10) NOT NULL,
    status_code integer NOT NULL,
    response_time_ms double precision NOT NULL,
    user_id character varying(255),
    ip_address character varying(45),
    user_agent character varying(500),
    error_message text,
    request_size_bytes integer,
    response_size_bytes integer
);

CREATE SEQUENCE public.api_request_logs_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.api_request_logs_id_seq OWNED BY public.api_request_logs.id;

CREATE TABLE public.audit_logs (
    id integer NOT NULL,
    event_type character varying(50) NOT NULL,
    description text NOT NULL,
    user_id integer,
    job_id integer,
    device_id integer,
    site_id integer,
    old_values json,
    new_values json,
    event_metadata json,
    ip_address character varying(45),
    user_agent character varying(500),
    created_at timestamp with time zone
);

CREATE SEQUENCE public.audit_logs_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.audit_logs_id_seq OWNED BY public.audit_logs.id;

CREATE TABLE public.configuration_history (
    id integer NOT NULL,
    "timestamp" timestamp without time zone NOT NULL,
    entity_type character varying(50) NOT NULL,
    entity_id character varying(255) NOT NULL,
    parameter_name character varying(255) NOT NULL,
    old_value json,
    new_value json NOT NULL,
    changed_by character varying(255) NOT NULL,
    change_reason text,
    change_type character varying(50),
    performance_before json,
    performance_after json,
    was_successful boolean,
    was_rolled_back boolean,
    rollback_reason text,
    rollback_performance json,
    rollback_success boolean,
    rolled_back_at timestamp without time zone,
    provenance character varying(20)
);

CREATE SEQUENCE public.configuration_history_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.configuration_history_id_seq OWNED BY public.configuration_history.id;

CREATE TABLE public.device_assignments (
    id integer NOT NULL,
    assignment_id character varying(36) NOT NULL,
    device_id integer NOT NULL,
    site_id integer NOT NULL,
    tenant_id integer,
    assignment_reason character varying(100),
    assigned_at timestamp with time zone NOT NULL,
    unassigned_at timestamp with time zone,
    is_current boolean NOT NULL,
    created_at timestamp with time zone
);

CREATE SEQUENCE public.device_assignments_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.device_assignments_id_seq OWNED BY public.device_assignments.id;

CREATE TABLE public.device_commands (
    id integer NOT NULL,
    command_id character varying(50) NOT NULL,
    device_id integer NOT NULL,
    command_type character varying(50) NOT NULL,
    payload json,
    status character varying(20),
    result json,
    created_at timestamp with time zone,
    sent_at timestamp with time zone,
    executed_at timestamp with time zone
);

CREATE SEQUENCE public.device_commands_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.device_commands_id_seq OWNED BY public.device_commands.id;

CREATE TABLE public.device_credentials (
    id integer NOT NULL,
    credential_id character varying(36) NOT NULL,
    device_id integer NOT NULL,
    key_hash character varying(255) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    rotated_at timestamp with time zone,
    revoked_at timestamp with time zone,
    is_active boolean NOT NULL
);

CREATE SEQUENCE public.device_credentials_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.device_credentials_id_seq OWNED BY public.device_credentials.id;

CREATE TABLE public.device_lifecycle_events (
    id integer NOT NULL,
    event_id character varying(36) NOT NULL,
    device_id integer NOT NULL,
    epoch_id integer,
    from_state character varying(20),
    to_state character varying(20),
    triggered_by_user_id integer,
    triggered_by_device_id integer,
    reason text,
    idempotency_key character varying(100),
    created_at timestamp with time zone
);

CREATE SEQUENCE public.device_lifecycle_events_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.device_lifecycle_events_id_seq OWNED BY public.device_lifecycle_events.id;

CREATE TABLE public.device_metrics (
    id integer NOT NULL,
    "timestamp" timestamp without time zone NOT NULL,
    device_id integer NOT NULL,
    cpu_percent double precision,
    memory_percent double precision,
    disk_percent double precision,
    network_latency_ms double precision,
    transaction_count integer,
    transaction_volume double precision,
    error_rate double precision,
    active_connections integer,
    queue_depth integer,
    extra_metrics json,
    provenance character varying(20),
    collection_interval_seconds integer
);

CREATE SEQUENCE public.device_metrics_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.device_metrics_id_seq OWNED BY public.device_metrics.id;

CREATE TABLE public.device_state_history (
    id integer NOT NULL,
    "timestamp" timestamp without time zone NOT NULL,
    device_id integer NOT NULL,
    previous_state character varying(50),
    new_state character varying(50) NOT NULL,
    changed_by character varying(255),
    reason character varying(500),
    extra_data json,
    provenance character varying(20)
);

CREATE SEQUENCE public.device_state_history_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.device_state_history_id_seq OWNED BY public.device_state_history.id;

CREATE TABLE public.devices (
    id integer NOT NULL,
    device_id character varying(100) NOT NULL,
    name character varying(100) NOT NULL,
    device_type character varying(50) NOT NULL,
    status character varying(20),
    lifecycle_state character varying(20) NOT NULL,
    health_state character varying(20),
    site_id integer NOT NULL,
    enrollment_method character varying(50),
    enrollment_token character varying(255),
    lifecycle_epoch_id integer,
    ip_address character varying(45),
    mac_address character varying(17),
    os_details character varying(255),
    local_ip character varying(45),
    wan_ip character varying(45),
    firmware_version character varying(50),
    last_seen timestamp with time zone,
    last_heartbeat_at timestamp with time zone,
    peripherals json,
    device_permissions json,
    capabilities json,
    push_token character varying(512),
    push_channel character varying(20),
    config json,
    api_key_hash character varying(255),
    is_active boolean,
    is_monitored boolean,
    is_simulated boolean,
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);

CREATE SEQUENCE public.devices_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.devices_id_seq OWNED BY public.devices.id;

CREATE TABLE public.enrolment_intents (
    id integer NOT NULL,
    intent_id character varying(36) NOT NULL,
    site_id integer NOT NULL,
    tenant_id integer,
    enrolment_method character varying(50) NOT NULL,
    expected_device_identity character varying(100),
    claim_token_hash character varying(255),
    expires_at timestamp with time zone NOT NULL,
    consumed_at timestamp with time zone,
    creator_id integer NOT NULL,
    status character varying(20) NOT NULL,
    idempotency_key character varying(100),
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);

CREATE SEQUENCE public.enrolment_intents_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.enrolment_intents_id_seq OWNED BY public.enrolment_intents.id;

CREATE TABLE public.error_logs (
    id integer NOT NULL,
    "timestamp" timestamp without time zone NOT NULL,
    category character varying(50) NOT NULL,
    severity character varying(20) NOT NULL,
    error_code character varying(50),
    error_message text NOT NULL,
    stack_trace text,
    endpoint character varying(255),
    user_id character varying(255),
    context json,
    resolved boolean,
    resolved_at timestamp without time zone,
    provenance character varying(20)
);

CREATE SEQUENCE public.error_logs_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.error_logs_id_seq OWNED BY public.error_logs.id;

CREATE TABLE public.health_checks (
    id integer NOT NULL,
    device_id integer NOT NULL,
    is_healthy boolean NOT NULL,
    response_time_ms integer,
    status_code integer,
    endpoint character varying(200),
    response_data json,
    error_message text,
    "timestamp" timestamp with time zone NOT NULL
);

CREATE SEQUENCE public.health_checks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.job_outcomes (
    id integer NOT NULL,
    "timestamp" timestamp without time zone NOT NULL,
    job_id character varying(255) NOT NULL,
    job_type character varying(100) NOT NULL,
    device_id character varying(255),
    status character varying(50) NOT NULL,
    duration_ms integer,
    error_code character varying(50),
    error_message text,
    retry_count integer,
    initiated_by character varying(255),
    extra_data json,
    provenance character varying(20)
);

CREATE SEQUENCE public.job_outcomes_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.job_outcomes_id_seq OWNED BY public.job_outcomes.id;

CREATE TABLE public.jobs (
    id integer NOT NULL,
    job_id character varying(100) NOT NULL,
    action character varying(100) NOT NULL,
    description text,
    priority character varying(20),
    status character varying(20),
    site_id integer NOT NULL,
    device_id integer,
    segment character varying(100),
    payload json,
    config_url character varying(500),
    config_version character varying(50),
    ttl_seconds integer,
    collapse_key character varying(100),
    scheduled_at timestamp with time zone,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    result json,
    error_message text,
    created_by integer NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);

CREATE SEQUENCE public.jobs_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.jobs_id_seq OWNED BY public.jobs.id;

CREATE TABLE public.lifecycle_epochs (
    id integer NOT NULL,
    epoch_id character varying(36) NOT NULL,
    device_id integer NOT NULL,
    site_id integer NOT NULL,
    tenant_id integer,
    claimed_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    claim_token_hash character varying(255),
    enrolment_method character varying(50) NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);

CREATE SEQUENCE public.lifecycle_epochs_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.lifecycle_epochs_id_seq OWNED BY public.lifecycle_epochs.id;

CREATE TABLE public.push_notification_logs (
    id integer NOT NULL,
    message_id character varying(100) NOT NULL,
    device_id character varying(100),
    job_id character varying(100),
    provider character varying(20) NOT NULL,
    payload json,
    sent_at timestamp without time zone NOT NULL,
    received_at timestamp without time zone,
    latency_ms integer,
    status character varying(20),
    error_code character varying(50),
    error_message text
);

CREATE SEQUENCE public.push_notification_logs_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.push_notification_logs_id_seq OWNED BY public.push_notification_logs.id;

CREATE TABLE public.site_memberships (
    id integer NOT NULL,
    user_id integer NOT NULL,
    site_id integer NOT NULL,
    role character varying(50),
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);

CREATE SEQUENCE public.site_memberships_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.site_memberships_id_seq OWNED BY public.site_memberships.id;

CREATE TABLE public.site_operating_schedules (
    id integer NOT NULL,
    site_id integer NOT NULL,
    day_of_week integer NOT NULL,
    open_time time without time zone,
    close_time time without time zone,
    is_closed boolean,
    is_maintenance_window boolean,
    expected_transaction_volume integer,
    peak_hours_start time without time zone,
    peak_hours_end time without time zone,
    notes text,
    special_considerations json
);

CREATE SEQUENCE public.site_operating_schedules_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.site_operating_schedules_id_seq OWNED BY public.site_operating_schedules.id;

CREATE TABLE public.sites (
    id integer NOT NULL,
    site_id character varying(50) NOT NULL,
    name character varying(100) NOT NULL,
    description text,
    location character varying(200),
    latitude double precision,
    longitude double precision,
    tenant_id integer,
    is_active boolean,
    is_monitored boolean,
    lifecycle_state character varying(20) NOT NULL,
    bootstrap_key_hash character varying(255),
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);

CREATE SEQUENCE public.sites_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.sites_id_seq OWNED BY public.sites.id;

CREATE TABLE public.tenant_memberships (
    id integer NOT NULL,
    user_id integer NOT NULL,
    tenant_id integer NOT NULL,
    role character varying(50),
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);

CREATE SEQUENCE public.tenant_memberships_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.tenant_memberships_id_seq OWNED BY public.tenant_memberships.id;

CREATE TABLE public.tenants (
    id integer NOT NULL,
    name character varying(100) NOT NULL,
    slug character varying(50) NOT NULL,
    settings json,
    is_active boolean,
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);

CREATE SEQUENCE public.tenants_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.tenants_id_seq OWNED BY public.tenants.id;

CREATE TABLE public.user_activities (
    id integer NOT NULL,
    "timestamp" timestamp without time zone NOT NULL,
    user_id character varying(255) NOT NULL,
    session_id character varying(255),
    activity_type character varying(50) NOT NULL,
    page_url character varying(500),
    element_id character varying(255),
    search_query text,
    extra_data json,
    duration_ms integer
);

CREATE SEQUENCE public.user_activities_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.user_activities_id_seq OWNED BY public.user_activities.id;

CREATE TABLE public.users (
    id integer NOT NULL,
    username character varying(50) NOT NULL,
    email character varying(100) NOT NULL,
    full_name character varying(100),
    hashed_password character varying(255) NOT NULL,
    api_key character varying(255),
    role character varying(50),
    is_active boolean,
    is_admin boolean,
    tenant_id integer,
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);

CREATE SEQUENCE public.users_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.users_id_seq OWNED BY public.users.id;

ALTER TABLE ONLY public.alerts ALTER COLUMN id SET DEFAULT nextval('public.alerts_id_seq'::regclass);

ALTER TABLE ONLY public.api_request_logs ALTER COLUMN id SET DEFAULT nextval('public.api_request_logs_id_seq'::regclass);

ALTER TABLE ONLY public.audit_logs ALTER COLUMN id SET DEFAULT nextval('public.audit_logs_id_seq'::regclass);

ALTER TABLE ONLY public.configuration_history ALTER COLUMN id SET DEFAULT nextval('public.configuration_history_id_seq'::regclass);

ALTER TABLE ONLY public.device_assignments ALTER COLUMN id SET DEFAULT nextval('public.device_assignments_id_seq'::regclass);

ALTER TABLE ONLY public.device_commands ALTER COLUMN id SET DEFAULT nextval('public.device_commands_id_seq'::regclass);

ALTER TABLE ONLY public.device_credentials ALTER COLUMN id SET DEFAULT nextval('public.device_credentials_id_seq'::regclass);

ALTER TABLE ONLY public.device_lifecycle_events ALTER COLUMN id SET DEFAULT nextval('public.device_lifecycle_events_id_seq'::regclass);

ALTER TABLE ONLY public.device_metrics ALTER COLUMN id SET DEFAULT nextval('public.device_metrics_id_seq'::regclass);

ALTER TABLE ONLY public.device_state_history ALTER COLUMN id SET DEFAULT nextval('public.device_state_history_id_seq'::regclass);

ALTER TABLE ONLY public.devices ALTER COLUMN id SET DEFAULT nextval('public.devices_id_seq'::regclass);

ALTER TABLE ONLY public.enrolment_intents ALTER COLUMN id SET DEFAULT nextval('public.enrolment_intents_id_seq'::regclass);

ALTER TABLE ONLY public.error_logs ALTER COLUMN id SET DEFAULT nextval('public.error_logs_id_seq'::regclass);

ALTER TABLE ONLY public.job_outcomes ALTER COLUMN id SET DEFAULT nextval('public.job_outcomes_id_seq'::regclass);

ALTER TABLE ONLY public.jobs ALTER COLUMN id SET DEFAULT nextval('public.jobs_id_seq'::regclass);

ALTER TABLE ONLY public.lifecycle_epochs ALTER COLUMN id SET DEFAULT nextval('public.lifecycle_epochs_id_seq'::regclass);

ALTER TABLE ONLY public.push_notification_logs ALTER COLUMN id SET DEFAULT nextval('public.push_notification_logs_id_seq'::regclass);

ALTER TABLE ONLY public.site_memberships ALTER COLUMN id SET DEFAULT nextval('public.site_memberships_id_seq'::regclass);

ALTER TABLE ONLY public.site_operating_schedules ALTER COLUMN id SET DEFAULT nextval('public.site_operating_schedules_id_seq'::regclass);

ALTER TABLE ONLY public.sites ALTER COLUMN id SET DEFAULT nextval('public.sites_id_seq'::regclass);

ALTER TABLE ONLY public.tenant_memberships ALTER COLUMN id SET DEFAULT nextval('public.tenant_memberships_id_seq'::regclass);

ALTER TABLE ONLY public.tenants ALTER COLUMN id SET DEFAULT nextval('public.tenants_id_seq'::regclass);

ALTER TABLE ONLY public.user_activities ALTER COLUMN id SET DEFAULT nextval('public.user_activities_id_seq'::regclass);

ALTER TABLE ONLY public.users ALTER COLUMN id SET DEFAULT nextval('public.users_id_seq'::regclass);

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkey PRIMARY KEY (version_num);

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_request_logs
    ADD CONSTRAINT api_request_logs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audit_logs
    ADD CONSTRAINT audit_logs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.configuration_history
    ADD CONSTRAINT configuration_history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.device_assignments
    ADD CONSTRAINT device_assignments_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.device_commands
    ADD CONSTRAINT device_commands_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.device_credentials
    ADD CONSTRAINT device_credentials_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.device_lifecycle_events
    ADD CONSTRAINT device_lifecycle_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.device_metrics
    ADD CONSTRAINT device_metrics_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.device_state_history
    ADD CONSTRAINT device_state_history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.enrolment_intents
    ADD CONSTRAINT enrolment_intents_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.error_logs
    ADD CONSTRAINT error_logs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.health_checks
    ADD CONSTRAINT health_checks_pkey PRIMARY KEY (id, "timestamp");

ALTER TABLE ONLY public.job_outcomes
    ADD CONSTRAINT job_outcomes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.lifecycle_epochs
    ADD CONSTRAINT lifecycle_epochs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.push_notification_logs
    ADD CONSTRAINT push_notification_logs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.site_memberships
    ADD CONSTRAINT site_memberships_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.site_operating_schedules
    ADD CONSTRAINT site_operating_schedules_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sites
    ADD CONSTRAINT sites_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tenant_memberships
    ADD CONSTRAINT tenant_memberships_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.user_activities
    ADD CONSTRAINT user_activities_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

CREATE INDEX idx_activity_type ON public.user_activities USING btree (activity_type);

CREATE INDEX idx_alert_device ON public.alerts USING btree (device_id);

CREATE INDEX idx_alert_status_severity ON public.alerts USING btree (status, severity);

CREATE INDEX idx_category_severity ON public.error_logs USING btree (category, severity);

CREATE INDEX idx_change_type ON public.configuration_history USING btree (change_type);

CREATE INDEX idx_device_metrics_device_timestamp ON public.device_metrics USING btree (device_id, "timestamp");

CREATE INDEX idx_device_metrics_timestamp ON public.device_metrics USING btree ("timestamp");

CREATE INDEX idx_device_timestamp ON public.device_state_history USING btree (device_id, "timestamp");

CREATE INDEX idx_entity_timestamp ON public.configuration_history USING btree (entity_type, entity_id, "timestamp");

CREATE INDEX idx_job_status ON public.job_outcomes USING btree (job_type, status);

CREATE INDEX idx_push_device ON public.push_notification_logs USING btree (device_id);

CREATE INDEX idx_push_message_id ON public.push_notification_logs USING btree (message_id);

CREATE INDEX idx_push_status ON public.push_notification_logs USING btree (status);

CREATE INDEX idx_site_day ON public.site_operating_schedules USING btree (site_id, day_of_week);

CREATE INDEX idx_status_code ON public.api_request_logs USING btree (status_code);

CREATE INDEX idx_timestamp_category ON public.error_logs USING btree ("timestamp", category);

CREATE INDEX idx_timestamp_endpoint ON public.api_request_logs USING btree ("timestamp", endpoint);

CREATE INDEX idx_timestamp_status ON public.job_outcomes USING btree ("timestamp", status);

CREATE INDEX idx_user_timestamp ON public.user_activities USING btree (user_id, "timestamp");

CREATE INDEX ix_alerts_device_id ON public.alerts USING btree (device_id);

CREATE INDEX ix_alerts_id ON public.alerts USING btree (id);

CREATE INDEX ix_alerts_site_id ON public.alerts USING btree (site_id);

CREATE INDEX ix_alerts_status ON public.alerts USING btree (status);

CREATE INDEX ix_alerts_timestamp ON public.alerts USING btree ("timestamp");

CREATE INDEX ix_api_request_logs_endpoint ON public.api_request_logs USING btree (endpoint);

CREATE INDEX ix_api_request_logs_id ON public.api_request_logs USING btree (id);

CREATE INDEX ix_api_request_logs_timestamp ON public.api_request_logs USING btree ("timestamp");

CREATE INDEX ix_api_request_logs_user_id ON public.api_request_logs USING btree (user_id);

CREATE INDEX ix_audit_logs_id ON public.audit_logs USING btree (id);

CREATE INDEX ix_configuration_history_entity_id ON public.configuration_history USING btree (entity_id);

CREATE INDEX ix_configuration_history_entity_type ON public.configuration_history USING btree (entity_type);

CREATE INDEX ix_configuration_history_id ON public.configuration_history USING btree (id);

CREATE INDEX ix_configuration_history_provenance ON public.configuration_history USING btree (provenance);

CREATE INDEX ix_configuration_history_timestamp ON public.configuration_history USING btree ("timestamp");

CREATE UNIQUE INDEX ix_device_assignments_assignment_id ON public.device_assignments USING btree (assignment_id);

CREATE INDEX ix_device_assignments_device_id ON public.device_assignments USING btree (device_id);

CREATE INDEX ix_device_assignments_id ON public.device_assignments USING btree (id);

CREATE UNIQUE INDEX ix_device_commands_command_id ON public.device_commands USING btree (command_id);

CREATE INDEX ix_device_commands_id ON public.device_commands USING btree (id);

CREATE UNIQUE INDEX ix_device_credentials_credential_id ON public.device_credentials USING btree (credential_id);

CREATE INDEX ix_device_credentials_device_id ON public.device_credentials USING btree (device_id);

CREATE INDEX ix_device_credentials_id ON public.device_credentials USING btree (id);

CREATE INDEX ix_device_lifecycle_events_device_id ON public.device_lifecycle_events USING btree (device_id);

CREATE INDEX ix_device_lifecycle_events_epoch_id ON public.device_lifecycle_events USING btree (epoch_id);

CREATE UNIQUE INDEX ix_device_lifecycle_events_event_id ON public.device_lifecycle_events USING btree (event_id);

CREATE INDEX ix_device_lifecycle_events_id ON public.device_lifecycle_events USING btree (id);

CREATE INDEX ix_device_lifecycle_events_idempotency_key ON public.device_lifecycle_events USING btree (idempotency_key);

CREATE INDEX ix_device_metrics_device_id ON public.device_metrics USING btree (device_id);

CREATE INDEX ix_device_metrics_id ON public.device_metrics USING btree (id);

CREATE INDEX ix_device_metrics_provenance ON public.device_metrics USING btree (provenance);

CREATE INDEX ix_device_metrics_timestamp ON public.device_metrics USING btree ("timestamp");

CREATE INDEX ix_device_state_history_device_id ON public.device_state_history USING btree (device_id);

CREATE INDEX ix_device_state_history_id ON public.device_state_history USING btree (id);

CREATE INDEX ix_device_state_history_provenance ON public.device_state_history USING btree (provenance);

CREATE INDEX ix_device_state_history_timestamp ON public.device_state_history USING btree ("timestamp");

CREATE UNIQUE INDEX ix_devices_device_id ON public.devices USING btree (device_id);

CREATE INDEX ix_devices_id ON public.devices USING btree (id);

CREATE INDEX ix_enrolment_intents_id ON public.enrolment_intents USING btree (id);

CREATE UNIQUE INDEX ix_enrolment_intents_idempotency_key ON public.enrolment_intents USING btree (idempotency_key);

CREATE UNIQUE INDEX ix_enrolment_intents_intent_id ON public.enrolment_intents USING btree (intent_id);

CREATE INDEX ix_error_logs_category ON public.error_logs USING btree (category);

CREATE INDEX ix_error_logs_error_code ON public.error_logs USING btree (error_code);

CREATE INDEX ix_error_logs_id ON public.error_logs USING btree (id);

CREATE INDEX ix_error_logs_provenance ON public.error_logs USING btree (provenance);

CREATE INDEX ix_error_logs_resolved ON public.error_logs USING btree (resolved);

CREATE INDEX ix_error_logs_severity ON public.error_logs USING btree (severity);

CREATE INDEX ix_error_logs_timestamp ON public.error_logs USING btree ("timestamp");

CREATE INDEX ix_error_logs_user_id ON public.error_logs USING btree (user_id);

CREATE INDEX ix_job_outcomes_device_id ON public.job_outcomes USING btree (device_id);

CREATE INDEX ix_job_outcomes_id ON public.job_outcomes USING btree (id);

CREATE INDEX ix_job_outcomes_job_id ON public.job_outcomes USING btree (job_id);

CREATE INDEX ix_job_outcomes_job_type ON public.job_outcomes USING btree (job_type);

CREATE INDEX ix_job_outcomes_provenance ON public.job_outcomes USING btree (provenance);

CREATE INDEX ix_job_outcomes_timestamp ON public.job_outcomes USING btree ("timestamp");

CREATE INDEX ix_jobs_id ON public.jobs USING btree (id);

CREATE UNIQUE INDEX ix_jobs_job_id ON public.jobs USING btree (job_id);

CREATE INDEX ix_lifecycle_epochs_device_id ON public.lifecycle_epochs USING btree (device_id);

CREATE UNIQUE INDEX ix_lifecycle_epochs_epoch_id ON public.lifecycle_epochs USING btree (epoch_id);

CREATE INDEX ix_lifecycle_epochs_id ON public.lifecycle_epochs USING btree (id);

CREATE INDEX ix_push_notification_logs_device_id ON public.push_notification_logs USING btree (device_id);

CREATE INDEX ix_push_notification_logs_id ON public.push_notification_logs USING btree (id);

CREATE INDEX ix_push_notification_logs_job_id ON public.push_notification_logs USING btree (job_id);

CREATE UNIQUE INDEX ix_push_notification_logs_message_id ON public.push_notification_logs USING btree (message_id);

CREATE INDEX ix_site_memberships_id ON public.site_memberships USING btree (id);

CREATE INDEX ix_site_operating_schedules_id ON public.site_operating_schedules USING btree (id);

CREATE INDEX ix_site_operating_schedules_site_id ON public.site_operating_schedules USING btree (site_id);

CREATE INDEX ix_sites_id ON public.sites USING btree (id);

CREATE UNIQUE INDEX ix_sites_site_id ON public.sites USING btree (site_id);

CREATE INDEX ix_tenant_memberships_id ON public.tenant_memberships USING btree (id);

CREATE INDEX ix_tenants_id ON public.tenants USING btree (id);

CREATE UNIQUE INDEX ix_tenants_slug ON public.tenants USING btree (slug);

CREATE INDEX ix_user_activities_activity_type ON public.user_activities USING btree (activity_type);

CREATE INDEX ix_user_activities_id ON public.user_activities USING btree (id);

CREATE INDEX ix_user_activities_session_id ON public.user_activities USING btree (session_id);

CREATE INDEX ix_user_activities_timestamp ON public.user_activities USING btree ("timestamp");

CREATE INDEX ix_user_activities_user_id ON public.user_activities USING btree (user_id);

CREATE UNIQUE INDEX ix_users_api_key ON public.users USING btree (api_key);

CREATE UNIQUE INDEX ix_users_email ON public.users USING btree (email);

CREATE INDEX ix_users_id ON public.users USING btree (id);

CREATE UNIQUE INDEX ix_users_username ON public.users USING btree (username);

ALTER TABLE ONLY public.audit_logs
    ADD CONSTRAINT audit_logs_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.devices(id);

ALTER TABLE ONLY public.audit_logs
    ADD CONSTRAINT audit_logs_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.jobs(id);

ALTER TABLE ONLY public.audit_logs
    ADD CONSTRAINT audit_logs_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.sites(id);

ALTER TABLE ONLY public.audit_logs
    ADD CONSTRAINT audit_logs_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.device_assignments
    ADD CONSTRAINT device_assignments_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.devices(id);

ALTER TABLE ONLY public.device_assignments
    ADD CONSTRAINT device_assignments_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.sites(id);

ALTER TABLE ONLY public.device_assignments
    ADD CONSTRAINT device_assignments_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.device_commands
    ADD CONSTRAINT device_commands_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.devices(id);

ALTER TABLE ONLY public.device_credentials
    ADD CONSTRAINT device_credentials_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.devices(id);

ALTER TABLE ONLY public.device_lifecycle_events
    ADD CONSTRAINT device_lifecycle_events_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.devices(id);

ALTER TABLE ONLY public.device_lifecycle_events
    ADD CONSTRAINT device_lifecycle_events_epoch_id_fkey FOREIGN KEY (epoch_id) REFERENCES public.lifecycle_epochs(id);

ALTER TABLE ONLY public.device_lifecycle_events
    ADD CONSTRAINT device_lifecycle_events_triggered_by_device_id_fkey FOREIGN KEY (triggered_by_device_id) REFERENCES public.devices(id);

ALTER TABLE ONLY public.device_lifecycle_events
    ADD CONSTRAINT device_lifecycle_events_triggered_by_user_id_fkey FOREIGN KEY (triggered_by_user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.device_metrics
    ADD CONSTRAINT device_metrics_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.devices(id);

ALTER TABLE ONLY public.device_state_history
    ADD CONSTRAINT device_state_history_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.devices(id);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_lifecycle_epoch_id_fkey FOREIGN KEY (lifecycle_epoch_id) REFERENCES public.lifecycle_epochs(id);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.sites(id);

ALTER TABLE ONLY public.enrolment_intents
    ADD CONSTRAINT enrolment_intents_creator_id_fkey FOREIGN KEY (creator_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.enrolment_intents
    ADD CONSTRAINT enrolment_intents_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.sites(id);

ALTER TABLE ONLY public.enrolment_intents
    ADD CONSTRAINT enrolment_intents_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.health_checks
    ADD CONSTRAINT health_checks_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.devices(id);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.devices(id);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.sites(id);

ALTER TABLE ONLY public.lifecycle_epochs
    ADD CONSTRAINT lifecycle_epochs_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.devices(id);

ALTER TABLE ONLY public.lifecycle_epochs
    ADD CONSTRAINT lifecycle_epochs_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.sites(id);

ALTER TABLE ONLY public.lifecycle_epochs
    ADD CONSTRAINT lifecycle_epochs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.site_memberships
    ADD CONSTRAINT site_memberships_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.sites(id);

ALTER TABLE ONLY public.site_memberships
    ADD CONSTRAINT site_memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.site_operating_schedules
    ADD CONSTRAINT site_operating_schedules_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.sites(id);

ALTER TABLE ONLY public.sites
    ADD CONSTRAINT sites_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.tenant_memberships
    ADD CONSTRAINT tenant_memberships_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.tenant_memberships
    ADD CONSTRAINT tenant_memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
