BEGIN TRANSACTION;
CREATE TABLE alarms (
	model TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	segment TEXT NOT NULL, 
	since BIGINT NOT NULL, 
	closed BIGINT, 
	columns TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	withdrawn BOOLEAN NOT NULL, 
	PRIMARY KEY (model, kind, segment, since), 
	FOREIGN KEY(model) REFERENCES models (name)
)
 WITHOUT ROWID

;
INSERT INTO "alarms" VALUES('flights','covariate','',1707609600000000,NULL,'["temp"]','temp moved',0);
CREATE TABLE detector_states (
	model TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	detector TEXT NOT NULL, 
	state BLOB NOT NULL, 
	worse_since BIGINT, 
	PRIMARY KEY (model, stream), 
	FOREIGN KEY(model) REFERENCES models (name)
);
INSERT INTO "detector_states" VALUES('flights','errors','adwin',X'0100FF',1707523200000000);
INSERT INTO "detector_states" VALUES('other','errors','adwin',X'0000FF',1707523200000000);
CREATE TABLE files (
	model TEXT NOT NULL, 
	name TEXT NOT NULL, 
	version TEXT NOT NULL, 
	first BIGINT, 
	last BIGINT, 
	rows BIGINT NOT NULL, 
	behind BIGINT NOT NULL, 
	PRIMARY KEY (model, name), 
	FOREIGN KEY(model) REFERENCES models (name)
)
 WITHOUT ROWID

;
INSERT INTO "files" VALUES('flights','a.csv','size-1',1707523200000000,1707609600000000,720,3);
INSERT INTO "files" VALUES('flights','b.csv','size-1',1707523200000000,1707609600000000,720,3);
CREATE TABLE leases (
	model TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	expires DOUBLE NOT NULL, 
	PRIMARY KEY (model)
)
 WITHOUT ROWID

;
CREATE TABLE models (
	name TEXT NOT NULL, 
	PRIMARY KEY (name)
)
 WITHOUT ROWID

;
INSERT INTO "models" VALUES('flights');
INSERT INTO "models" VALUES('other');
CREATE TABLE pending (
	model TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	pending BLOB NOT NULL, 
	PRIMARY KEY (model, "key"), 
	FOREIGN KEY(model) REFERENCES models (name)
);
INSERT INTO "pending" VALUES('flights','2024-02-11T00:00:00Z',X'6472696674642D70656E64696E67780175524D68134114DEB6580F2594DE3CB4B80CB6A06DE26693B4107FE2EFA120BD2882AE254E76679B219B9D6477D3B02E618B78503C287833A0E8A188871CFCB978A9071105F5E2B122C44B955AEC312816DFCCA6620A0EC9CBBCF7BEF9DEF7DE4B9FD92F49013229B10C1765E500D5A96DB0BAB8BA1E763CB8215551D371458D2793E714252B3E17D1948C886DF4A4D5DEB4492D0279BB66590D403BACCE4B4CC3B5825D97F0B7497074669B16D53D9E54C137884E5DCAEC488F850BC4824C804AA00C2E288A00B064B3BA0D11CFA911705D9D39BC5E3291E12CD877F3053FAF17B1ADF3705A4928102F638F381473CAEEBB6A8D12DEA6892D97F3E8CCAA9545750DF9681E220EC12EE395902F97D922286F88860836A8BDB05367B74F2DC3EB4151CEB088AD1AE1404D4940CF712591DA71A6E40C89A7D43447D799D3DD86FF4FD12C90A9B2C7E0270502B882221553D35085382673CAA255CE405C8FF24EE1F9F6F8DD22AE080901A2825DCB7024E02261C2AB38C4805574A71F21C45C857698ABCADF880D4491BF6EBE97687BA962CB9A32DF68AC84A7E736C2277747573E6D5C3D76FEC15267F9D65A35EFEFEE0B662F7C9D3CF3F2F1E59BCD17DF7E483F9BF772A3AD3B33C39987BF3FEC1D6B178EBF63EF7F19074EF697D1FA803420C15F16CE6D367CEAD9A5D5E7E36FBF9F90777DDEB710BC79FA65FFF295B9E0FED944ECF57AFBE36A8E9F478786A6DB8589C1D6D2D6F556EB4675764F786D6D6B727CEC55181C9C387C042047394E90FED76C763A9DCD5C1886114E06A05C02536A8269C6C0C446C08C0C82E15F49FA036CEA0349');
CREATE TABLE profiles (
	window INTEGER NOT NULL, 
	profile BLOB NOT NULL, 
	PRIMARY KEY (window), 
	FOREIGN KEY(window) REFERENCES windows (id) ON DELETE CASCADE
);
INSERT INTO "profiles" VALUES(1,X'70726F66696C652031');
CREATE TABLE pruned_alarms (
	model TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	opened BIGINT NOT NULL, 
	PRIMARY KEY (model, kind), 
	FOREIGN KEY(model) REFERENCES models (name)
)
 WITHOUT ROWID

;
CREATE TABLE references_ (
	id INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	reference BLOB NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (model, fingerprint), 
	FOREIGN KEY(model) REFERENCES models (name)
);
CREATE TABLE schema_version (
	version INTEGER NOT NULL
);
INSERT INTO "schema_version" VALUES(1);
CREATE TABLE series (
	id INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	segment TEXT NOT NULL, 
	"column" TEXT NOT NULL, 
	detector TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (model, kind, segment, "column", detector), 
	FOREIGN KEY(model) REFERENCES models (name)
);
INSERT INTO "series" VALUES(1,'flights','covariate','','dewp','ks');
INSERT INTO "series" VALUES(2,'flights','covariate','','dewp','psi');
INSERT INTO "series" VALUES(3,'flights','covariate','','temp','ks');
INSERT INTO "series" VALUES(4,'flights','covariate','','temp','psi');
INSERT INTO "series" VALUES(5,'flights','label','','y','psi');
CREATE TABLE states (
	model TEXT NOT NULL, 
	revision BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (model), 
	FOREIGN KEY(model) REFERENCES models (name)
);
INSERT INTO "states" VALUES('flights',1,'{"version": 1, "state": {"model": "flights", "reference": "fingerprint", "origin": "2024-02-10T00:00:00Z", "watermark": "2024-02-12T00:00:00Z", "tick": "2024-02-12T01:00:00Z", "alarms": {"covariate": {"since": "2024-02-10T00:00:00Z", "column_since": {"temp": "2024-02-10T00:00:00Z"}, "reason": "temp moved", "quiet_since": null, "quiet_windows": 0}}, "memories": {"covariate": "MSAKAP8B"}, "classes": ["0", "1"], "said": ["naive_timestamp"], "standing": {}, "label_files": {"2024/old.parquet": {"version": "1 [\"id\", \"y\", \"known\", \"UTC\"]", "last": "2024-02-10T07:00:00.000005Z"}, "2024/recent.parquet": {"version": "1 [\"id\", \"y\", \"known\", \"UTC\"]", "last": "2024-02-13T00:00:00Z"}, "2024/\u00fcbrig ''1''.csv": {"version": "1 [\"id\", \"y\", \"known\", \"UTC\"]", "last": "2024-02-10T00:00:00Z"}}, "delays": "", "estimates": {}, "pending": ["2024-02-11T00:00:00Z"]}}');
INSERT INTO "states" VALUES('other',1,'{"version": 1, "state": {"model": "other", "reference": "fingerprint", "origin": "2024-02-10T00:00:00Z", "watermark": "2024-02-11T00:00:00Z", "tick": "2024-02-11T01:00:00Z", "alarms": {"covariate": {"since": "2024-02-10T00:00:00Z", "column_since": {"temp": "2024-02-10T00:00:00Z"}, "reason": "temp moved", "quiet_since": null, "quiet_windows": 0}}, "memories": {"covariate": "MSAKAP8A"}, "classes": ["0", "1"], "said": ["naive_timestamp"], "standing": {}, "label_files": {}, "delays": "", "estimates": {}, "pending": []}}');
CREATE TABLE statistics (
	window INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	series INTEGER NOT NULL, 
	value DOUBLE, 
	threshold DOUBLE, 
	p_value DOUBLE, 
	drifted BOOLEAN NOT NULL, 
	reason TEXT, 
	PRIMARY KEY (window, position), 
	FOREIGN KEY(window) REFERENCES windows (id) ON DELETE CASCADE, 
	FOREIGN KEY(series) REFERENCES series (id)
)
 WITHOUT ROWID

;
INSERT INTO "statistics" VALUES(1,0,4,1.0,0.06,1.0e-12,1,NULL);
INSERT INTO "statistics" VALUES(1,1,3,1.0,0.06,1.0e-12,1,NULL);
INSERT INTO "statistics" VALUES(1,2,2,1.0,0.06,1.0e-12,1,NULL);
INSERT INTO "statistics" VALUES(1,3,1,1.0,0.06,1.0e-12,1,NULL);
INSERT INTO "statistics" VALUES(1,4,5,NULL,NULL,NULL,0,'no_labels');
CREATE TABLE verdicts (
	window INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	segment TEXT NOT NULL, 
	state TEXT NOT NULL, 
	alarm BOOLEAN NOT NULL, 
	score DOUBLE, 
	severity TEXT NOT NULL, 
	material BOOLEAN NOT NULL, 
	days_by_chance DOUBLE, 
	since BIGINT, 
	columns TEXT NOT NULL, 
	column_since TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (window, position), 
	FOREIGN KEY(window) REFERENCES windows (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "verdicts" VALUES(1,0,'covariate','','alarm',1,3.1,'alarm',1,2120.0,1707609600000000,'["temp", "dewp"]','{"temp": "2024-02-11T00:00:00Z", "dewp": "2024-02-11T00:00:00Z"}','temp moved');
INSERT INTO "verdicts" VALUES(1,1,'concept','','unknown',0,NULL,'none',0,NULL,NULL,'[]','{}','no labels');
CREATE TABLE windows (
	id INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	start BIGINT, 
	"end" BIGINT, 
	file TEXT, 
	tick BIGINT NOT NULL, 
	rows BIGINT NOT NULL, 
	labelled_rows BIGINT NOT NULL, 
	final BOOLEAN NOT NULL, 
	line TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (model, "key"), 
	FOREIGN KEY(model) REFERENCES models (name)
);
INSERT INTO "windows" VALUES(1,'flights','2024-02-11T00:00:00Z',1707609600000000,1707696000000000,NULL,1707699600000000,720,700,0,'{"model": "flights", "window": {"start": "2024-02-11T00:00:00Z", "end": "2024-02-12T00:00:00Z", "file": null}, "rows": 720, "labelled_rows": 700, "restated": false, "final": false, "seconds": 0.12, "verdicts": [], "statistics": [], "performance": [{"metric": "accuracy", "source": "realised", "value": 0.79, "lower": 0.76, "upper": 0.82, "reference": 0.81, "reason": null}], "label_shift": null, "problems": [{"column": "humid", "reason": "all_missing", "message": "humid: no value in 720 rows"}], "norms": [{"kind": "covariate", "l0": 1.0, "l1": 2.5, "l2": 1.8, "linf": 1.5}], "class_shares": {"reference": {"0": 0.8, "1": 0.2}}, "stream": {"width": 1200, "error_rate": 0.21}, "promises": [{"kind": "covariate", "budget_per_30d": 0.5, "false_alarms_per_30d": 0.31, "lower": 0.12, "upper": 0.74, "effective_windows": 118.0, "provisional": false, "reason": ""}, {"kind": "concept", "budget_per_30d": 0.25, "false_alarms_per_30d": null, "lower": null, "upper": null, "effective_windows": null, "provisional": true, "reason": "too few windows"}], "versions": {"v7": 720}, "label_arrival": null, "estimates": {}, "change": null, "tick": "2024-02-12T01:00:00Z"}');
CREATE INDEX windows_by_start ON windows (model, start);
COMMIT;
