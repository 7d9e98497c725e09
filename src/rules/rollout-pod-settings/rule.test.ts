import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutPodSettings } from './rule.ts';

testRule(rolloutPodSettings, import.meta.dirname);
