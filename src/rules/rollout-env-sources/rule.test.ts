import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutEnvSources } from './rule.ts';

testRule(rolloutEnvSources, import.meta.dirname);
