"""The foundation: projects, prompts, completions, pairs, rounds, labels, runs, judges, exports."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("issuer", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_account_issuer_subject")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
    )
    op.create_table(
        "endpoint",
        sa.Column("base_url", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("quirks", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("base_url", "model", name=op.f("pk_endpoint")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "pace",
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("max_in_flight", sa.Integer(), nullable=True),
        sa.Column("requests_per_minute", sa.Float(), nullable=True),
        sa.Column("tokens_per_minute", sa.Float(), nullable=True),
        sa.Column("memory", sa.Text(), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("endpoint", name=op.f("pk_pace")),
    )
    op.create_table(
        "key_variable",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name=op.f("fk_key_variable_created_by")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_key_variable")),
    )
    op.create_table(
        "project",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("target_model", sa.String(), nullable=True),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("is_sample", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "target IN ('openai', 'azure', 'together', 'fireworks', 'own')", name=op.f("ck_project_target")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name=op.f("fk_project_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sa.UniqueConstraint("slug", name=op.f("uq_project_slug")),
    )
    op.create_table(
        "endpoint_header",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("base_url", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_endpoint_header_project_id")),
        sa.PrimaryKeyConstraint("project_id", "base_url", "name", name=op.f("pk_endpoint_header")),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_session_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_session_secret_hash")),
    )
    op.create_index(op.f("ix_session_account_id"), "session", ["account_id"], unique=False)
    op.create_table(
        "export",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("validation_share", sa.Float(), nullable=False),
        sa.Column("label_seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("digests", sa.Text(), nullable=False),
        sa.Column("folder", sa.String(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("program_version", sa.String(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('writing', 'done', 'failed', 'removed')", name=op.f("ck_export_state")),
        sa.CheckConstraint("validation_share >= 0 AND validation_share < 1", name=op.f("ck_export_validation_share")),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name=op.f("fk_export_created_by")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_export_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export")),
    )
    op.create_index(op.f("ix_export_project_id"), "export", ["project_id"], unique=False)
    op.create_table(
        "rule_set",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name=op.f("fk_rule_set_created_by")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_rule_set_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_set")),
        sa.UniqueConstraint("project_id", "name", "version", name=op.f("uq_rule_set_project_id_name_version")),
    )
    op.create_table(
        "generator",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("base_url", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("system_prompt", sa.Text(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key_env", sa.String(), nullable=True),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("requests_per_minute", sa.Integer(), nullable=True),
        sa.Column("tokens_per_minute", sa.Integer(), nullable=True),
        sa.Column("max_in_flight", sa.Integer(), nullable=True),
        sa.Column("is_sandbox", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_generator_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generator")),
        sa.UniqueConstraint("project_id", "digest", name=op.f("uq_generator_project_id_digest")),
    )
    op.create_table(
        "guideline_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name=op.f("fk_guideline_version_created_by")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_guideline_version_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guideline_version")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_guideline_version_project_id_id")),
        sa.UniqueConstraint("project_id", "number", name=op.f("uq_guideline_version_project_id_number")),
    )
    op.create_table(
        "import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("file_digest", sa.String(), nullable=True),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("rows_taken", sa.Integer(), nullable=False),
        sa.Column("rows_known", sa.Integer(), nullable=False),
        sa.Column("rows_refused", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('prompts', 'completions', 'pairs', 'labels')", name=op.f("ck_import_kind")),
        sa.CheckConstraint("state IN ('writing', 'done', 'removed')", name=op.f("ck_import_state")),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name=op.f("fk_import_created_by")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_import_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import")),
    )
    op.create_index(op.f("ix_import_project_id"), "import", ["project_id"], unique=False)
    op.create_index(
        "uq_import_writing",
        "import",
        ["project_id"],
        unique=True,
        sqlite_where=sa.text("state = 'writing'"),
        postgresql_where=sa.text("state = 'writing'"),
    )
    op.create_table(
        "judge",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("base_url", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("rubric", sa.Text(), nullable=False),
        sa.Column("orders", sa.String(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("offers_both_bad", sa.Boolean(), nullable=False),
        sa.Column("uses_reference", sa.Boolean(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key_env", sa.String(), nullable=True),
        sa.Column("requests_per_minute", sa.Integer(), nullable=True),
        sa.Column("tokens_per_minute", sa.Integer(), nullable=True),
        sa.Column("max_in_flight", sa.Integer(), nullable=True),
        sa.Column("is_sandbox", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("orders IN ('both', 'random', 'alone')", name=op.f("ck_judge_orders")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_judge_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judge")),
        sa.UniqueConstraint("project_id", "digest", name=op.f("uq_judge_project_id_digest")),
        sa.UniqueConstraint("project_id", "name", "version", name=op.f("uq_judge_project_id_name_version")),
    )
    op.create_table(
        "member",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("languages", sa.String(), nullable=True),
        sa.Column("takes_sensitive", sa.Boolean(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'lead', 'annotator')", name=op.f("ck_member_role")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_member_account_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_member_project_id")),
        sa.PrimaryKeyConstraint("project_id", "account_id", name=op.f("pk_member")),
    )
    op.create_index(op.f("ix_member_account_id"), "member", ["account_id"], unique=False)
    op.create_table(
        "project_counter",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("label_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_project_counter_project_id")),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_project_counter")),
    )
    op.create_table(
        "token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("session_id", sa.Integer(), nullable=True),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_token_account_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_token_project_id")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_token_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_token_secret_hash")),
    )
    op.create_index(op.f("ix_token_account_id"), "token", ["account_id"], unique=False)
    op.create_table(
        "import_refusal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["import.id"], name=op.f("fk_import_refusal_import_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_refusal")),
    )
    op.create_index(op.f("ix_import_refusal_import_id"), "import_refusal", ["import_id"], unique=False)
    op.create_table(
        "prompt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("group_key", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("is_sensitive", sa.Boolean(), nullable=False),
        sa.Column("is_reserved", sa.Boolean(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["import.id"], name=op.f("fk_prompt_import_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_prompt_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt")),
        sa.UniqueConstraint("project_id", "digest", name=op.f("uq_prompt_project_id_digest")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_prompt_project_id_id")),
    )
    op.create_index(
        "ix_prompt_external_id",
        "prompt",
        ["project_id", "external_id"],
        unique=False,
        sqlite_where=sa.text("external_id IS NOT NULL"),
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_index(
        "ix_prompt_group_key",
        "prompt",
        ["project_id", "group_key"],
        unique=False,
        sqlite_where=sa.text("group_key IS NOT NULL"),
        postgresql_where=sa.text("group_key IS NOT NULL"),
    )
    op.create_index(op.f("ix_prompt_import_id"), "prompt", ["import_id"], unique=False)
    op.create_index(
        "ix_prompt_reserved",
        "prompt",
        ["project_id"],
        unique=False,
        sqlite_where=sa.text("is_reserved = 1"),
        postgresql_where=sa.text("is_reserved"),
    )
    op.create_table(
        "rater",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("judge_id", sa.Integer(), nullable=True),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind = 'annotator') = (account_id IS NOT NULL)", name=op.f("ck_rater_account")),
        sa.CheckConstraint("(kind = 'annotator') = (project_id IS NULL)", name=op.f("ck_rater_project")),
        sa.CheckConstraint("(kind = 'judge') = (judge_id IS NOT NULL)", name=op.f("ck_rater_judge")),
        sa.CheckConstraint("kind IN ('annotator', 'judge', 'imported', 'rule')", name=op.f("ck_rater_kind")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_rater_account_id")),
        sa.ForeignKeyConstraint(["judge_id"], ["judge.id"], name=op.f("fk_rater_judge_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_rater_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rater")),
        sa.UniqueConstraint("account_id", name=op.f("uq_rater_account_id")),
        sa.UniqueConstraint("judge_id", name=op.f("uq_rater_judge_id")),
    )
    op.create_index(
        "uq_rater_name",
        "rater",
        ["project_id", "kind", "name"],
        unique=True,
        sqlite_where=sa.text("kind IN ('imported', 'rule')"),
        postgresql_where=sa.text("kind IN ('imported', 'rule')"),
    )
    op.create_table(
        "round",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("guideline_version_id", sa.Integer(), nullable=False),
        sa.Column("overlap", sa.Integer(), nullable=False),
        sa.Column("ordering", sa.String(), nullable=False),
        sa.Column("takes_all_pairs", sa.Boolean(), nullable=False),
        sa.Column("gold_share", sa.Float(), nullable=False),
        sa.Column("pass_mark", sa.Float(), nullable=True),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ordering IN ('imported', 'random', 'uncertain')", name=op.f("ck_round_ordering")),
        sa.CheckConstraint(
            "purpose IN ('work', 'practice', 'calibration', 'repeat', 'review')", name=op.f("ck_round_purpose")
        ),
        sa.CheckConstraint("gold_share >= 0 AND gold_share < 1", name=op.f("ck_round_gold_share")),
        sa.CheckConstraint("overlap BETWEEN 1 AND 100", name=op.f("ck_round_overlap")),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name=op.f("fk_round_created_by")),
        sa.ForeignKeyConstraint(
            ["project_id", "guideline_version_id"],
            ["guideline_version.project_id", "guideline_version.id"],
            name=op.f("fk_round_project_id_guideline_version_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_round_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_round_project_id_id")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_round_project_id_name")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("judge_id", sa.Integer(), nullable=True),
        sa.Column("budget_usd", sa.Float(), nullable=True),
        sa.Column("max_tries", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("spent_usd", sa.Float(), nullable=False),
        sa.Column("unpriced", sa.Integer(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('live', 'batch', 'file')", name=op.f("ck_run_mode")),
        sa.CheckConstraint("purpose IN ('generate', 'judge', 'score')", name=op.f("ck_run_purpose")),
        sa.CheckConstraint(
            "state IN ('preparing', 'running', 'paused', 'stopped', 'done', 'cancelled')", name=op.f("ck_run_state")
        ),
        sa.CheckConstraint("budget_usd IS NULL OR budget_usd >= 0", name=op.f("ck_run_budget")),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name=op.f("fk_run_created_by")),
        sa.ForeignKeyConstraint(["judge_id"], ["judge.id"], name=op.f("fk_run_judge_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_run_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_run_idempotency_key")),
    )
    op.create_index(
        "ix_run_active",
        "run",
        ["state"],
        unique=False,
        sqlite_where=sa.text("state IN ('preparing', 'running')"),
        postgresql_where=sa.text("state IN ('preparing', 'running')"),
    )
    op.create_index(op.f("ix_run_project_id"), "run", ["project_id"], unique=False)
    op.create_table(
        "batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("base_url", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("key_env", sa.String(), nullable=True),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("input_file_id", sa.String(), nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("provider_status", sa.String(), nullable=True),
        sa.Column("output_file_id", sa.String(), nullable=True),
        sa.Column("error_file_id", sa.String(), nullable=True),
        sa.Column("provider_done", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("full_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('gathering', 'ready', 'uploading', 'uploaded', 'creating', 'running', 'fetching', 'done', 'cancelled', 'failed')",
            name=op.f("ck_batch_state"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_batch_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("run_id", "part", name=op.f("uq_batch_run_id_part")),
        sa.UniqueConstraint("token", name=op.f("uq_batch_token")),
    )
    op.create_index(
        "ix_batch_open",
        "batch",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state NOT IN ('done', 'cancelled', 'failed')"),
        postgresql_where=sa.text("state NOT IN ('done', 'cancelled', 'failed')"),
    )
    op.create_table(
        "ingest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name=op.f("fk_ingest_created_by")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_ingest_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest")),
        sa.UniqueConstraint("project_id", "digest", name=op.f("uq_ingest_project_id_digest")),
    )
    op.create_table(
        "erasure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("rater_id", sa.Integer(), nullable=True),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("labels_erased", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(CASE WHEN project_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN rater_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN import_id IS NULL THEN 0 ELSE 1 END) = 1",
            name=op.f("ck_erasure_scope"),
        ),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name=op.f("fk_erasure_created_by")),
        sa.ForeignKeyConstraint(["import_id"], ["import.id"], name=op.f("fk_erasure_import_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_erasure_project_id")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_erasure_rater_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    op.create_table(
        "prompt_text",
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Text(), nullable=False),
        sa.Column("tools", sa.Text(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("follow_ups", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name=op.f("fk_prompt_text_prompt_id")),
        sa.PrimaryKeyConstraint("prompt_id", name=op.f("pk_prompt_text")),
    )
    op.create_index(
        "ix_prompt_text_follow_ups",
        "prompt_text",
        ["prompt_id"],
        unique=False,
        sqlite_where=sa.text("follow_ups IS NOT NULL"),
        postgresql_where=sa.text("follow_ups IS NOT NULL"),
    )
    op.create_index(
        "ix_prompt_text_tools",
        "prompt_text",
        ["prompt_id"],
        unique=False,
        sqlite_where=sa.text("""tools IS NOT NULL OR messages GLOB '*"tool_call*' OR messages GLOB '*"name":*'"""),
        postgresql_where=sa.text(
            """tools IS NOT NULL OR strpos(messages, '"tool_call') > 0 OR strpos(messages, '"name":') > 0"""
        ),
    )
    op.create_table(
        "prompt_alias",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["import.id"], name=op.f("fk_prompt_alias_import_id")),
        sa.ForeignKeyConstraint(
            ["project_id", "prompt_id"],
            ["prompt.project_id", "prompt.id"],
            name=op.f("fk_prompt_alias_project_id_prompt_id"),
        ),
        sa.PrimaryKeyConstraint("project_id", "external_id", "prompt_id", name=op.f("pk_prompt_alias")),
    )
    op.create_index(op.f("ix_prompt_alias_import_id"), "prompt_alias", ["import_id"], unique=False)
    op.create_table(
        "prompt_signatures",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("after_id", sa.Integer(), nullable=False),
        sa.Column("last_id", sa.Integer(), nullable=False),
        sa.Column("signatures", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_prompt_signatures_project_id")),
        sa.PrimaryKeyConstraint("project_id", "after_id", name=op.f("pk_prompt_signatures")),
    )
    op.create_table(
        "request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("base_url", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("key_env", sa.String(), nullable=True),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("sample_number", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'failed') = (reason IS NOT NULL)", name=op.f("ck_request_reason")),
        sa.CheckConstraint("state IN ('waiting', 'answered', 'failed')", name=op.f("ck_request_state")),
        sa.CheckConstraint("(lease_owner IS NULL) = (lease_until IS NULL)", name=op.f("ck_request_lease")),
        sa.ForeignKeyConstraint(["endpoint"], ["pace.endpoint"], name=op.f("fk_request_endpoint")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_request_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        sa.UniqueConstraint("key", name=op.f("uq_request_key")),
    )
    op.create_index(
        "ix_request_leased",
        "request",
        ["lease_owner"],
        unique=False,
        sqlite_where=sa.text("lease_owner IS NOT NULL"),
        postgresql_where=sa.text("lease_owner IS NOT NULL"),
    )
    op.create_index(
        "ix_request_failed",
        "request",
        ["run_id", "reason"],
        unique=False,
        sqlite_where=sa.text("state = 'failed'"),
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index(
        "ix_request_open",
        "request",
        ["run_id", "endpoint", "due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "round_member",
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_round_member_account_id")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_round_member_round_id")),
        sa.PrimaryKeyConstraint("round_id", "account_id", name=op.f("pk_round_member")),
    )
    op.create_table(
        "answer",
        sa.Column(
            "request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("tool_calls", sa.Text(), nullable=True),
        sa.Column("finish_reason", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("cached_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.Column("reasoning_tokens", sa.Integer(), nullable=True),
        sa.Column("cost_usd", sa.Float(), nullable=True),
        sa.Column("is_sandbox", sa.Boolean(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_answer_request_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_answer_run_id")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_answer")),
    )
    op.create_index(op.f("ix_answer_run_id"), "answer", ["run_id"], unique=False)
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.Column("cost_usd", sa.Float(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_attempt_request_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_attempt_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index(op.f("ix_attempt_request_id"), "attempt", ["request_id"], unique=False)
    op.create_index(op.f("ix_attempt_run_id"), "attempt", ["run_id"], unique=False)
    op.create_table(
        "completion",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text_digest", sa.String(), nullable=False),
        sa.Column("characters", sa.Integer(), nullable=False),
        sa.Column("generator_id", sa.Integer(), nullable=True),
        sa.Column("sample_number", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("rater_id", sa.Integer(), nullable=True),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("finish_reason", sa.String(), nullable=True),
        sa.Column("is_sandbox", sa.Boolean(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'edit') = (parent_id IS NOT NULL AND rater_id IS NOT NULL)", name=op.f("ck_completion_edit")
        ),
        sa.CheckConstraint(
            "(kind = 'generated') = (generator_id IS NOT NULL AND sample_number IS NOT NULL)",
            name=op.f("ck_completion_generated"),
        ),
        sa.CheckConstraint("(kind = 'imported') = (source IS NOT NULL)", name=op.f("ck_completion_imported")),
        sa.CheckConstraint("kind IN ('generated', 'imported', 'edit')", name=op.f("ck_completion_kind")),
        sa.ForeignKeyConstraint(["generator_id"], ["generator.id"], name=op.f("fk_completion_generator_id")),
        sa.ForeignKeyConstraint(["import_id"], ["import.id"], name=op.f("fk_completion_import_id")),
        sa.ForeignKeyConstraint(
            ["prompt_id", "parent_id"],
            ["completion.prompt_id", "completion.id"],
            name=op.f("fk_completion_prompt_id_parent_id"),
        ),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name=op.f("fk_completion_prompt_id")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_completion_rater_id")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_completion_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_completion")),
        sa.UniqueConstraint("prompt_id", "id", "text_digest", name=op.f("uq_completion_prompt_id_id_text_digest")),
        sa.UniqueConstraint("prompt_id", "id", name=op.f("uq_completion_prompt_id_id")),
    )
    op.create_index(op.f("ix_completion_import_id"), "completion", ["import_id"], unique=False)
    op.create_index(
        "uq_completion_generated",
        "completion",
        ["prompt_id", "generator_id", "sample_number"],
        unique=True,
        sqlite_where=sa.text("generator_id IS NOT NULL"),
        postgresql_where=sa.text("generator_id IS NOT NULL"),
    )
    op.create_index(
        "uq_completion_imported",
        "completion",
        ["prompt_id", "source", "text_digest"],
        unique=True,
        sqlite_where=sa.text("kind = 'imported'"),
        postgresql_where=sa.text("kind = 'imported'"),
    )
    op.create_table(
        "request_body",
        sa.Column(
            "request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_request_body_request_id")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_request_body")),
    )
    op.create_table(
        "completion_text",
        sa.Column(
            "completion_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("tool_calls", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["completion_id"], ["completion.id"], name=op.f("fk_completion_text_completion_id")),
        sa.PrimaryKeyConstraint("completion_id", name=op.f("pk_completion_text")),
    )
    op.create_table(
        "pair",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("a_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("b_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("a_digest", sa.String(), nullable=False),
        sa.Column("b_digest", sa.String(), nullable=False),
        sa.Column("is_sandbox", sa.Boolean(), nullable=False),
        sa.Column("gold_verdict", sa.String(), nullable=True),
        sa.Column("gold_reason", sa.Text(), nullable=True),
        sa.Column("is_left_out", sa.Boolean(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("gold_verdict IN ('a', 'b', 'tie', 'both_bad')", name=op.f("ck_pair_gold_verdict")),
        sa.CheckConstraint("a_digest <> b_digest", name=op.f("ck_pair_differ")),
        sa.CheckConstraint("a_id < b_id", name=op.f("ck_pair_order")),
        sa.ForeignKeyConstraint(["import_id"], ["import.id"], name=op.f("fk_pair_import_id")),
        sa.ForeignKeyConstraint(
            ["project_id", "prompt_id"], ["prompt.project_id", "prompt.id"], name=op.f("fk_pair_project_id_prompt_id")
        ),
        sa.ForeignKeyConstraint(
            ["prompt_id", "a_id", "a_digest"],
            ["completion.prompt_id", "completion.id", "completion.text_digest"],
            name=op.f("fk_pair_prompt_id_a_id_a_digest"),
        ),
        sa.ForeignKeyConstraint(
            ["prompt_id", "b_id", "b_digest"],
            ["completion.prompt_id", "completion.id", "completion.text_digest"],
            name=op.f("fk_pair_prompt_id_b_id_b_digest"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pair")),
        sa.UniqueConstraint("a_id", "b_id", name=op.f("uq_pair_a_id_b_id")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_pair_project_id_id")),
    )
    op.create_index(
        "ix_pair_gold",
        "pair",
        ["project_id", "id"],
        unique=False,
        sqlite_where=sa.text("gold_verdict IS NOT NULL"),
        postgresql_where=sa.text("gold_verdict IS NOT NULL"),
    )
    op.create_index(
        "ix_pair_sandbox",
        "pair",
        ["project_id"],
        unique=False,
        sqlite_where=sa.text("is_sandbox = 1"),
        postgresql_where=sa.text("is_sandbox"),
    )
    op.create_index(
        "ix_pair_left_out",
        "pair",
        ["project_id"],
        unique=False,
        sqlite_where=sa.text("is_left_out = 1"),
        postgresql_where=sa.text("is_left_out"),
    )
    op.create_index("ix_pair_b_id", "pair", ["b_id"], unique=False)
    op.create_index(op.f("ix_pair_import_id"), "pair", ["import_id"], unique=False)
    op.create_index("ix_pair_prompt_id", "pair", ["prompt_id"], unique=False)
    op.create_table(
        "flag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=True),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id", "pair_id"], ["pair.project_id", "pair.id"], name=op.f("fk_flag_project_id_pair_id")
        ),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_flag_rater_id")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_flag_round_id")),
        sa.ForeignKeyConstraint(["settled_by"], ["account.id"], name=op.f("fk_flag_settled_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag")),
        sa.UniqueConstraint("event_id", name=op.f("uq_flag_event_id")),
    )
    op.create_index(op.f("ix_flag_pair_id"), "flag", ["pair_id"], unique=False)
    op.create_table(
        "judgement",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("pair_order", sa.String(), nullable=False),
        sa.Column("sample_number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=True),
        sa.Column("score_a", sa.Float(), nullable=True),
        sa.Column("score_b", sa.Float(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'unreadable') = (level IS NULL)", name=op.f("ck_judgement_level_of_state")),
        sa.CheckConstraint(
            "level IN ('a_much', 'a_slightly', 'tie', 'b_slightly', 'b_much', 'both_bad')",
            name=op.f("ck_judgement_level"),
        ),
        sa.CheckConstraint("pair_order IN ('ab', 'ba')", name=op.f("ck_judgement_pair_order")),
        sa.CheckConstraint("state IN ('read', 'contradicts', 'unreadable')", name=op.f("ck_judgement_state")),
        sa.ForeignKeyConstraint(
            ["project_id", "pair_id"], ["pair.project_id", "pair.id"], name=op.f("fk_judgement_project_id_pair_id")
        ),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_judgement_rater_id")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_judgement_request_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_judgement_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgement")),
        sa.UniqueConstraint(
            "rater_id",
            "pair_id",
            "pair_order",
            "sample_number",
            "request_id",
            name=op.f("uq_judgement_rater_id_pair_id_pair_order_sample_number_request_id"),
        ),
    )
    op.create_index("ix_judgement_pair_id", "judgement", ["pair_id"], unique=False)
    op.create_index("ix_judgement_run_id", "judgement", ["run_id"], unique=False)
    op.create_index("ix_judgement_slots", "judgement", ["rater_id", "pair_order", "level"], unique=False)
    op.create_table(
        "continuation",
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column(
            "completion_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("parent_id", sa.Integer(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("generator_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(after = 'own') = (generator_id IS NOT NULL)", name=op.f("ck_continuation_generator")),
        sa.CheckConstraint("after IN ('chosen', 'own')", name=op.f("ck_continuation_after")),
        sa.ForeignKeyConstraint(["generator_id"], ["generator.id"], name=op.f("fk_continuation_generator_id")),
        sa.ForeignKeyConstraint(
            ["parent_id", "completion_id"],
            ["completion.prompt_id", "completion.id"],
            name=op.f("fk_continuation_parent_id_completion_id"),
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["prompt.id"], name=op.f("fk_continuation_parent_id")),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name=op.f("fk_continuation_prompt_id")),
        sa.PrimaryKeyConstraint("prompt_id", "completion_id", name=op.f("pk_continuation")),
    )
    op.create_index("ix_continuation_parent_id", "continuation", ["parent_id"], unique=False)
    op.create_table(
        "score",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("completion_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sample_number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("points", sa.Float(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'unreadable') = (points IS NULL)", name=op.f("ck_score_points_of_state")),
        sa.CheckConstraint("points IS NULL OR points BETWEEN 1 AND 10", name=op.f("ck_score_points")),
        sa.CheckConstraint("state IN ('read', 'unreadable')", name=op.f("ck_score_state")),
        sa.ForeignKeyConstraint(["completion_id"], ["completion.id"], name=op.f("fk_score_completion_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_score_project_id")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_score_rater_id")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_score_request_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_score_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score")),
        sa.UniqueConstraint(
            "rater_id",
            "completion_id",
            "sample_number",
            "request_id",
            name=op.f("uq_score_rater_id_completion_id_sample_number_request_id"),
        ),
    )
    op.create_index("ix_score_completion_id", "score", ["completion_id"], unique=False)
    op.create_index("ix_score_run_id", "score", ["run_id"], unique=False)
    op.create_table(
        "score_text",
        sa.Column(
            "score_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("reasoning", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["score_id"], ["score.id"], name=op.f("fk_score_text_score_id")),
        sa.PrimaryKeyConstraint("score_id", name=op.f("pk_score_text")),
    )
    op.create_table(
        "round_pair",
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("is_gold", sa.Boolean(), nullable=False),
        sa.Column("is_out", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "pair_id"], ["pair.project_id", "pair.id"], name=op.f("fk_round_pair_project_id_pair_id")
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "round_id"], ["round.project_id", "round.id"], name=op.f("fk_round_pair_project_id_round_id")
        ),
        sa.PrimaryKeyConstraint("round_id", "pair_id", name=op.f("pk_round_pair")),
    )
    op.create_index(
        "ix_round_pair_gold",
        "round_pair",
        ["round_id"],
        unique=False,
        sqlite_where=sa.text("is_gold = 1"),
        postgresql_where=sa.text("is_gold"),
    )
    op.create_index(
        "ix_round_pair_open",
        "round_pair",
        ["round_id", "position", "pair_id"],
        unique=False,
        sqlite_where=sa.text("is_done = 0 AND is_out = 0"),
        postgresql_where=sa.text("NOT is_done AND NOT is_out"),
    )
    op.create_index(
        "ix_round_pair_out",
        "round_pair",
        ["round_id"],
        unique=False,
        sqlite_where=sa.text("is_out = 1"),
        postgresql_where=sa.text("is_out"),
    )
    op.create_index("ix_round_pair_pair_id", "round_pair", ["pair_id"], unique=False)
    op.create_table(
        "run_request",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("generator_id", sa.Integer(), nullable=True),
        sa.Column("prompt_id", sa.Integer(), nullable=True),
        sa.Column("pair_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("pair_order", sa.String(), nullable=True),
        sa.Column("completion_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("sample_number", sa.Integer(), nullable=False),
        sa.Column("is_repair", sa.Boolean(), nullable=False),
        sa.Column("harvested_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("pair_order IN ('ab', 'ba')", name=op.f("ck_run_request_pair_order")),
        sa.CheckConstraint("(pair_id IS NULL) = (pair_order IS NULL)", name=op.f("ck_run_request_order_of_pair")),
        sa.ForeignKeyConstraint(["completion_id"], ["completion.id"], name=op.f("fk_run_request_completion_id")),
        sa.ForeignKeyConstraint(["generator_id"], ["generator.id"], name=op.f("fk_run_request_generator_id")),
        sa.ForeignKeyConstraint(["pair_id"], ["pair.id"], name=op.f("fk_run_request_pair_id")),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name=op.f("fk_run_request_prompt_id")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_run_request_request_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_run_request_run_id")),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_run_request")),
    )
    op.create_index(
        "ix_run_request_open",
        "run_request",
        ["run_id", "request_id"],
        unique=False,
        sqlite_where=sa.text("harvested_at IS NULL"),
        postgresql_where=sa.text("harvested_at IS NULL"),
    )
    op.create_index(
        "ix_run_request_repair",
        "run_request",
        ["run_id"],
        unique=False,
        sqlite_where=sa.text("is_repair = 1"),
        postgresql_where=sa.text("is_repair"),
    )
    op.create_index("ix_run_request_request_id", "run_request", ["request_id"], unique=False)
    op.create_table(
        "assignment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("left_side", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=True),
        sa.Column("reserved_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("left_side IN ('a', 'b')", name=op.f("ck_assignment_left_side")),
        sa.CheckConstraint("state IN ('served', 'labelled', 'skipped', 'undone')", name=op.f("ck_assignment_state")),
        sa.CheckConstraint("slot >= 1", name=op.f("ck_assignment_slot")),
        sa.CheckConstraint("slot IS NOT NULL OR reserved_until IS NULL", name=op.f("ck_assignment_reserved")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_assignment_rater_id")),
        sa.ForeignKeyConstraint(
            ["round_id", "pair_id"],
            ["round_pair.round_id", "round_pair.pair_id"],
            name=op.f("fk_assignment_round_id_pair_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
        sa.UniqueConstraint("round_id", "pair_id", "rater_id", name=op.f("uq_assignment_round_id_pair_id_rater_id")),
        sa.UniqueConstraint("round_id", "pair_id", "slot", name=op.f("uq_assignment_round_id_pair_id_slot")),
    )
    op.create_index("ix_assignment_pair_id", "assignment", ["pair_id"], unique=False)
    op.create_index("ix_assignment_rater", "assignment", ["rater_id", "round_id", "state", "position"], unique=False)
    op.create_index(
        "ix_assignment_reserved",
        "assignment",
        ["round_id", "reserved_until"],
        unique=False,
        sqlite_where=sa.text("reserved_until IS NOT NULL"),
        postgresql_where=sa.text("reserved_until IS NOT NULL"),
    )
    op.create_table(
        "bench_pair",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("half", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("half IN ('tune', 'held_out')", name=op.f("ck_bench_pair_half")),
        sa.ForeignKeyConstraint(
            ["project_id", "pair_id"], ["pair.project_id", "pair.id"], name=op.f("fk_bench_pair_project_id_pair_id")
        ),
        sa.PrimaryKeyConstraint("project_id", "pair_id", name=op.f("pk_bench_pair")),
    )
    op.create_table(
        "bench_look",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("pairs", sa.Integer(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name=op.f("fk_bench_look_created_by")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_bench_look_project_id")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_bench_look_rater_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bench_look")),
    )
    op.create_index(op.f("ix_bench_look_project_id"), "bench_look", ["project_id"], unique=False)
    op.create_table(
        "judgement_text",
        sa.Column(
            "judgement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("reasoning", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["judgement_id"], ["judgement.id"], name=op.f("fk_judgement_text_judgement_id")),
        sa.PrimaryKeyConstraint("judgement_id", name=op.f("pk_judgement_text")),
    )
    op.create_table(
        "label",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("pair_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("strength", sa.Integer(), nullable=True),
        sa.Column("left_side", sa.String(), nullable=True),
        sa.Column("is_surplus", sa.Boolean(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=True),
        sa.Column("away_milliseconds", sa.Integer(), nullable=True),
        sa.Column("edit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("guideline_version_id", sa.Integer(), nullable=True),
        sa.Column("renderer_version", sa.String(), nullable=True),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(action = 'label') = (verdict IS NOT NULL)", name=op.f("ck_label_verdict_of_action")),
        sa.CheckConstraint("action IN ('label', 'skip', 'undo', 'void')", name=op.f("ck_label_action")),
        sa.CheckConstraint("left_side IN ('a', 'b')", name=op.f("ck_label_left_side")),
        sa.CheckConstraint(
            "strength IS NULL OR (verdict IS NOT NULL AND verdict IN ('a', 'b') AND strength BETWEEN 1 AND 3)",
            name=op.f("ck_label_strength"),
        ),
        sa.CheckConstraint("verdict IN ('a', 'b', 'tie', 'both_bad')", name=op.f("ck_label_verdict")),
        sa.CheckConstraint("milliseconds >= 0 AND away_milliseconds >= 0", name=op.f("ck_label_milliseconds")),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_label_revision")),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name=op.f("fk_label_created_by")),
        sa.ForeignKeyConstraint(["edit_id"], ["completion.id"], name=op.f("fk_label_edit_id")),
        sa.ForeignKeyConstraint(
            ["guideline_version_id"], ["guideline_version.id"], name=op.f("fk_label_guideline_version_id")
        ),
        sa.ForeignKeyConstraint(["import_id"], ["import.id"], name=op.f("fk_label_import_id")),
        sa.ForeignKeyConstraint(
            ["project_id", "pair_id"], ["pair.project_id", "pair.id"], name=op.f("fk_label_project_id_pair_id")
        ),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_label_rater_id")),
        sa.ForeignKeyConstraint(
            ["round_id", "pair_id", "rater_id"],
            ["assignment.round_id", "assignment.pair_id", "assignment.rater_id"],
            name=op.f("fk_label_round_id_pair_id_rater_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
        sa.UniqueConstraint("event_id", name=op.f("uq_label_event_id")),
        sa.UniqueConstraint("project_id", "seq", name=op.f("uq_label_project_id_seq")),
    )
    op.create_index(op.f("ix_label_import_id"), "label", ["import_id"], unique=False)
    op.create_index("ix_label_pair_id", "label", ["pair_id"], unique=False)
    op.create_index("ix_label_rater_created", "label", ["rater_id", "created_at"], unique=False)
    op.create_index(
        "ix_label_edit_id",
        "label",
        ["edit_id"],
        unique=False,
        sqlite_where=sa.text("edit_id IS NOT NULL"),
        postgresql_where=sa.text("edit_id IS NOT NULL"),
    )
    op.create_table(
        "judge_result",
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("label_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'decided') = (label_id IS NOT NULL)", name=op.f("ck_judge_result_label_of_state")),
        sa.CheckConstraint("state IN ('decided', 'undecided', 'unreadable')", name=op.f("ck_judge_result_state")),
        sa.ForeignKeyConstraint(["label_id"], ["label.id"], name=op.f("fk_judge_result_label_id")),
        sa.ForeignKeyConstraint(
            ["project_id", "pair_id"], ["pair.project_id", "pair.id"], name=op.f("fk_judge_result_project_id_pair_id")
        ),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_judge_result_rater_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_judge_result_run_id")),
        sa.PrimaryKeyConstraint("rater_id", "pair_id", name=op.f("pk_judge_result")),
    )
    op.create_index("ix_judge_result_pair_id", "judge_result", ["pair_id"], unique=False)
    op.create_index(
        "ix_judge_result_open",
        "judge_result",
        ["project_id", "pair_id"],
        unique=False,
        sqlite_where=sa.text("state <> 'decided'"),
        postgresql_where=sa.text("state <> 'decided'"),
    )
    op.create_table(
        "label_judgement",
        sa.Column(
            "label_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column(
            "judgement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.ForeignKeyConstraint(["judgement_id"], ["judgement.id"], name=op.f("fk_label_judgement_judgement_id")),
        sa.ForeignKeyConstraint(["label_id"], ["label.id"], name=op.f("fk_label_judgement_label_id")),
        sa.PrimaryKeyConstraint("label_id", "judgement_id", name=op.f("pk_label_judgement")),
    )
    op.create_index("ix_label_judgement_judgement_id", "label_judgement", ["judgement_id"], unique=False)
    op.create_table(
        "label_note",
        sa.Column(
            "label_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=True),
        sa.Column("criteria", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["label_id"], ["label.id"], name=op.f("fk_label_note_label_id")),
        sa.PrimaryKeyConstraint("label_id", name=op.f("pk_label_note")),
    )
