import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutVolumeSources } from './rule.ts';

testRule(rolloutVolumeSources, import.meta.dirname);
